output "role_arns" {
  description = "The roles: AWS_DEPLOY_ROLE, AWS_PLAN_ROLE and AWS_APPLY_ROLE of the environments on GitHub."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}

output "boundary_arn" {
  description = "The policy that bounds every role of this environment."
  value       = aws_iam_policy.boundary.arn
}
