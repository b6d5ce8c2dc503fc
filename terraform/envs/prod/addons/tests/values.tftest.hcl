mock_provider "helm" {}

override_data {
  target = data.terraform_remote_state.infrastructure
  values = {
    outputs = {
      infrastructure = {
        api_server = { endpoint = "https://api.example.com", certificate_authority = "" }
        cluster = {
          name                  = "chat-prod"
          region                = "eu-central-1"
          zones                 = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
          vpc_id                = "vpc-1"
          security_group_id     = "sg-1"
          node_instance_profile = "chat-prod-node"
          volumes_key_arn       = "arn:aws:kms:eu-central-1:111122223333:key/1"
          interruption_queue    = "chat-prod-interruptions"
        }
        namespaces        = ["chat"]
        secret_names      = { kafka = "AmazonMSK_chat-prod-chat", redis = "chat-prod/redis", cassandra = "chat-prod/cassandra" }
        cassandra         = { nodes = 3, storage_gib = 100, heap_gib = 4, memory_gib = 8, cpu = 2, backups_bucket = "chat-prod-backups" }
        images            = "registry.example.com/chat-prod"
        chat_cluster_spec = { kafka = { partitions = 64 } }
      }
    }
  }
}

run "what_goes_into_a_chat_cluster" {
  command = plan
  assert {
    condition     = output.chat_cluster_spec.cassandra.contactPoints == ["chat-dc1-service.cassandra.svc:9042"] && output.chat_cluster_spec.kafka.partitions == 64
    error_message = "what the data and the add-ons say, together"
  }
}
