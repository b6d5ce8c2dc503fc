mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_resource "aws_msk_cluster" {
    defaults = {
      arn                          = "arn:aws:kafka:eu-central-1:111122223333:cluster/chat-test/1"
      bootstrap_brokers_sasl_scram = "b-2.x:9096,b-1.x:9096,b-3.x:9096"
    }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/1" }
  }
}
mock_provider "random" {}

variables {
  permissions_boundary_arn = "arn:aws:iam::111122223333:policy/chat-test-boundary"
  name                     = "chat-test"
  region                   = "eu-central-1"
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-a", "subnet-b", "subnet-c"]
  client_security_group_id = "sg-1"
  cluster_name             = "chat-test"
  chats                    = [{ name = "team", namespace = "chat" }]
  logs_key_arn             = "arn:aws:kms:eu-central-1:111122223333:key/2"
}

run "kafka_as_the_product_needs_it" {
  assert {
    condition     = aws_msk_cluster.this.client_authentication[0].sasl[0].scram && !aws_msk_cluster.this.client_authentication[0].sasl[0].iam && !aws_msk_cluster.this.client_authentication[0].unauthenticated
    error_message = "SCRAM and nothing else: chat nodes know no IAM"
  }
  assert {
    condition     = aws_msk_cluster.this.encryption_info[0].encryption_in_transit[0].client_broker == "TLS" && aws_msk_cluster.this.encryption_info[0].encryption_at_rest_kms_key_arn == aws_kms_key.data.arn
    error_message = "encrypted on the way and at rest"
  }
  assert {
    condition = alltrue([for line in ["min.insync.replicas=2", "default.replication.factor=3", "unclean.leader.election.enable=false", "auto.create.topics.enable=false", "message.max.bytes=3145728"] :
    contains(split("\n", aws_msk_configuration.this.server_properties), line)])
    error_message = "the settings of docs/reference/kafka.md"
  }
  assert {
    condition     = startswith(aws_secretsmanager_secret.login["kafka"].name, "AmazonMSK_") && aws_secretsmanager_secret.login["kafka"].kms_key_id == aws_kms_key.data.arn
    error_message = "MSK takes no other secrets"
  }
}

run "redis_as_the_product_needs_it" {
  assert {
    condition     = aws_elasticache_replication_group.this.cluster_mode == "enabled" && aws_elasticache_replication_group.this.transit_encryption_mode == "required" && aws_elasticache_replication_group.this.at_rest_encryption_enabled == "true"
    error_message = "cluster mode, encrypted"
  }
  assert {
    condition     = contains([for p in aws_elasticache_parameter_group.this.parameter : "${p.name}=${p.value}"], "maxmemory-policy=noeviction")
    error_message = "a refused append is better than a registration that vanished"
  }
  assert {
    condition     = aws_elasticache_replication_group.this.multi_az_enabled && aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "a replica takes over"
  }
}

run "only_pods_of_the_cluster_connect" {
  assert {
    condition = alltrue([for rule in [aws_vpc_security_group_ingress_rule.kafka, aws_vpc_security_group_ingress_rule.redis] :
    rule.referenced_security_group_id == "sg-1" && rule.from_port == rule.to_port])
    error_message = "one port, from the cluster's group"
  }
}

run "gateways_have_the_files_only" {
  assert {
    condition     = aws_eks_pod_identity_association.gateways["chat/team"].service_account == "team-gateway"
    error_message = "the operator calls the account NAME-gateway"
  }
  assert {
    condition = alltrue(flatten([for bucket, role in aws_iam_role_policy.bucket : [for statement in jsondecode(role.policy).Statement :
      alltrue([for resource in flatten([statement.Resource]) : resource == aws_kms_key.data.arn || strcontains(resource, ":::chat-test-${bucket}-111122223333")])
    ]]))
    error_message = "each role has its own bucket only"
  }
  assert {
    condition     = alltrue([for block in aws_s3_bucket_public_access_block.this : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "nothing is public"
  }
}

run "the_spec_is_a_chat_clusters" {
  assert {
    condition     = output.chat_cluster_spec.kafka.brokers == tolist(["b-1.x:9096", "b-2.x:9096", "b-3.x:9096"]) && output.chat_cluster_spec.kafka.partitions == 64 && !output.chat_cluster_spec.kafka.classicGroupProtocol
    error_message = "brokers in order, so that nothing differs without a reason"
  }
  assert {
    condition     = output.chat_cluster_spec.redis.mode == "cluster" && output.chat_cluster_spec.blobs.s3.bucket == "chat-test-files-111122223333"
    error_message = "the fields of docs/reference/chatcluster.md"
  }
}

run "an_older_kafka_asks_for_the_older_protocol" {
  variables {
    kafka_version = "3.9.x.kraft"
  }
  assert {
    condition     = output.chat_cluster_spec.kafka.classicGroupProtocol
    error_message = "brokers before 4.0 know no KIP-848"
  }
}

run "kafka_with_zookeeper_is_refused" {
  command = plan
  variables {
    kafka_version = "3.6.0"
  }
  expect_failures = [var.kafka_version]
}

run "uneven_brokers_are_refused" {
  command = plan
  variables {
    brokers = 4
  }
  expect_failures = [var.brokers]
}

run "small_brokers_are_refused" {
  command = plan
  variables {
    broker_instance_type = "kafka.t3.small"
  }
  expect_failures = [var.broker_instance_type]
}

run "volumes_that_shrink_are_refused" {
  command = plan
  variables {
    broker_storage_gib = { initial = 200, maximum = 100 }
  }
  expect_failures = [var.broker_storage_gib]
}

run "shards_without_replicas_are_refused" {
  command = plan
  variables {
    cache_replicas = 0
  }
  expect_failures = [var.cache_replicas]
}

run "a_chat_named_twice_is_refused" {
  command = plan
  variables {
    chats = [{ name = "team", namespace = "chat" }, { name = "team", namespace = "chat" }]
  }
  expect_failures = [var.chats]
}
