output "chat_cluster_spec" {
  description = "What goes into the spec of a ChatCluster, by the names of its fields. The Secrets are made by the chart `platform`."
  value = {
    redis = {
      mode        = "cluster"
      addresses   = ["${aws_elasticache_replication_group.this.configuration_endpoint_address}:6379"]
      tls         = {}
      credentials = { secretName = "redis-login" }
    }
    kafka = {
      brokers              = sort(split(",", aws_msk_cluster.this.bootstrap_brokers_sasl_scram))
      partitions           = 64
      classicGroupProtocol = startswith(var.kafka_version, "3.")
      tls                  = {}
      credentials          = { secretName = "kafka-login" }
    }
    blobs     = { s3 = { endpoint = "aws", bucket = aws_s3_bucket.this["files"].bucket, region = var.region } }
    migration = { enabled = true, replication = 3 }
  }
}

output "secret_names" {
  description = "Names in Secrets Manager, by what they open."
  value       = { for what, secret in aws_secretsmanager_secret.login : what => secret.name }
}

output "backups_bucket" {
  description = "Where Medusa puts Cassandra's backups."
  value       = aws_s3_bucket.this["backups"].bucket
}

output "kafka_cluster_name" {
  description = "For alarms."
  value       = aws_msk_cluster.this.cluster_name
}

output "replication_group_id" {
  description = "For alarms."
  value       = aws_elasticache_replication_group.this.replication_group_id
}

output "key_arn" {
  description = "The key of all data."
  value       = aws_kms_key.data.arn
}
