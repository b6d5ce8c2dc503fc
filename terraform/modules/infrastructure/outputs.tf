output "cluster" {
  description = "What the add-ons need to know of the cluster."
  value = {
    name                  = module.cluster.name
    region                = var.region
    zones                 = var.zones
    vpc_id                = module.network.vpc_id
    security_group_id     = module.cluster.security_group_id
    node_instance_profile = module.cluster.node_instance_profile
    volumes_key_arn       = module.cluster.volumes_key_arn
    interruption_queue    = module.cluster.interruption_queue
  }
}

output "api_server" {
  description = "Where the cluster's API is."
  value       = { endpoint = module.cluster.endpoint, certificate_authority = module.cluster.certificate_authority }
}

output "cassandra" {
  description = "Of the size: what Cassandra on the cluster gets."
  value       = merge(local.size.cassandra, { backups_bucket = module.data.backups_bucket })
}

output "secret_names" {
  description = "Credentials in Secrets Manager."
  value       = module.data.secret_names
}

output "namespaces" {
  description = "Of the ChatClusters."
  value       = distinct([for chat in var.chats : chat.namespace])
}

output "images" {
  description = "Where images are pulled from."
  value       = module.registry.prefix
}

output "chat_cluster_spec" {
  description = "What goes into the spec of each ChatCluster, besides cassandra of the add-ons."
  value       = merge(module.data.chat_cluster_spec, { image = { repository = module.registry.prefix } })
}

output "github_roles" {
  description = "AWS_DEPLOY_ROLE, AWS_PLAN_ROLE and AWS_APPLY_ROLE of the environments on GitHub."
  value       = module.delivery.role_arns
}

output "remote_write_url" {
  description = "Where Prometheus writes."
  value       = module.observability.remote_write_url
}
