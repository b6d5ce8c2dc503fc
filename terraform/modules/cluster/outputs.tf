output "name" {
  description = "The cluster's name."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "The address of the API server."
  value       = aws_eks_cluster.this.endpoint
}

output "security_group_id" {
  description = "The group that every node and pod has: what Kafka and Redis let in."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "volumes_key_arn" {
  description = "The key of secrets and volumes."
  value       = aws_kms_key.secrets.arn
}

output "node_instance_profile" {
  description = "What Karpenter's nodes take."
  value       = aws_iam_instance_profile.node.name
}

output "interruption_queue" {
  description = "Where Karpenter reads that a machine will end."
  value       = aws_sqs_queue.interruptions.name
}

output "certificate_authority" {
  description = "What signs the API server's certificate, base64 of PEM."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}
