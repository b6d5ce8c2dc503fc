# What the three sizes are made of. docs/aws.md says what they carry and cost; another shape is another entry here, so that
# everybody sees it, and none is made by a variable on the way.

locals {
  sizes = {
    small = {
      nat_gateways = "single"
      system_nodes = 2
      kafka        = { type = "kafka.m7g.large", brokers = 3, storage_gib = { initial = 50, maximum = 500 } }
      redis        = { type = "cache.t4g.medium", shards = 1, replicas = 1 }
      cassandra    = { nodes = 3, storage_gib = 100, heap_gib = 4, memory_gib = 8, cpu = 2 }
    }
    medium = {
      nat_gateways = "per-zone"
      system_nodes = 3
      kafka        = { type = "kafka.m7g.large", brokers = 3, storage_gib = { initial = 200, maximum = 2000 } }
      redis        = { type = "cache.m7g.large", shards = 3, replicas = 1 }
      cassandra    = { nodes = 3, storage_gib = 500, heap_gib = 8, memory_gib = 24, cpu = 6 }
    }
    large = {
      nat_gateways = "per-zone"
      system_nodes = 3
      kafka        = { type = "kafka.m7g.2xlarge", brokers = 6, storage_gib = { initial = 1000, maximum = 8000 } }
      redis        = { type = "cache.r7g.xlarge", shards = 9, replicas = 1 }
      cassandra    = { nodes = 9, storage_gib = 1500, heap_gib = 16, memory_gib = 48, cpu = 12 }
    }
  }
  size = local.sizes[var.size]
}
