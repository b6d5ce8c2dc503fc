output "operator_version" {
  description = "What runs."
  value       = helm_release.operator.version
}

output "cassandra" {
  description = "What goes into spec.cassandra of a ChatCluster."
  value = {
    contactPoints = ["chat-dc1-service.cassandra.svc:9042"]
    datacenter    = "dc1"
    credentials   = { secretName = "cassandra-login" }
  }
}
