# Valkey in cluster mode: tails, the directory, and hints by shard channels. Nothing in it is the truth, so nothing of it is
# kept on disk.

resource "aws_security_group" "redis" {
  name_prefix = "${var.name}-redis-"
  description = "Valkey: TLS from the cluster"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-redis" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "redis" {
  security_group_id            = aws_security_group.redis.id
  description                  = "TLS"
  referenced_security_group_id = var.client_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

locals {
  # Of docs/reference/redis.md, "Settings that matter".
  redis_parameters = {
    "cluster-enabled"                                = "yes"
    "maxmemory-policy"                               = "noeviction"
    "client-output-buffer-limit-pubsub-hard-limit"   = "16777216"
    "client-output-buffer-limit-pubsub-soft-limit"   = "4194304"
    "client-output-buffer-limit-pubsub-soft-seconds" = "10"
  }
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-valkey${split(".", var.valkey_version)[0]}"
  family      = "valkey${split(".", var.valkey_version)[0]}"
  description = "What Elastic Chat needs"

  dynamic "parameter" {
    for_each = local.redis_parameters
    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

# The rights are those that the tests of chat-redis run with, word by word.
resource "aws_elasticache_user" "chat" {
  user_id       = "${var.name}-chat"
  user_name     = "chat"
  engine        = "valkey"
  access_string = "on ~c:* ~u:* ~{nodes}:* ~rl:* resetchannels &node:* -@all +@read +@write +@scripting +@pubsub +@connection +time -@dangerous +cluster|slots +info"

  authentication_mode {
    type      = "password"
    passwords = [random_password.login["redis"].result]
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.chat.user_id]
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "Live messages of ${var.name}"
  engine                     = "valkey"
  engine_version             = var.valkey_version
  node_type                  = var.cache_node_type
  port                       = 6379
  cluster_mode               = "enabled"
  num_node_groups            = var.cache_shards
  replicas_per_node_group    = var.cache_replicas
  automatic_failover_enabled = true
  multi_az_enabled           = true
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  security_group_ids         = [aws_security_group.redis.id]
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.data.arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  snapshot_retention_limit   = 0
  apply_immediately          = false
}
