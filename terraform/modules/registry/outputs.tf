output "repository_arns" {
  description = "What the role that pushes may write to."
  value       = [for repository in aws_ecr_repository.this : repository.arn]
}

output "repository_urls" {
  description = "Where each image is."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "prefix" {
  description = "What stands before /IMAGE: the variable ECR_REPOSITORY of the workflows, and spec.image.repository of a ChatCluster."
  value       = trimsuffix(aws_ecr_repository.this[sort(var.repositories)[0]].repository_url, "/${sort(var.repositories)[0]}")
}
