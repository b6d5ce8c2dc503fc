output "chat_cluster_spec" {
  description = "What goes into the spec of each ChatCluster (deploy/gitops/chat)."
  value       = merge(local.infrastructure.chat_cluster_spec, { cassandra = module.addons.cassandra })
}
