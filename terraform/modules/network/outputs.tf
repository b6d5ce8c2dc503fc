output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Where nodes and pods are, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "data_subnet_ids" {
  description = "Where Kafka and Redis are: no route out of the VPC."
  value       = [for zone in var.zones : aws_subnet.data[zone].id]
}

output "private_cidrs" {
  description = "Addresses of nodes and pods."
  value       = [for zone in var.zones : local.zones[zone].private]
}

output "logs_key_arn" {
  description = "The key that log groups of this VPC are encrypted with."
  value       = aws_kms_key.logs.arn
}
