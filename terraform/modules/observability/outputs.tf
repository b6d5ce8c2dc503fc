output "alarms_topic_arn" {
  description = "Where alarms go."
  value       = aws_sns_topic.alarms.arn
}

output "remote_write_url" {
  description = "Where Prometheus writes, signed with the role of its service account."
  value       = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/remote_write"
}
