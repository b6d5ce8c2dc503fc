mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  permissions_boundary_arn = "arn:aws:iam::111122223333:policy/chat-test-boundary"
  name                     = "chat-test"
  region                   = "eu-central-1"
  kafka_cluster_name       = "chat-test"
  brokers                  = 3
  replication_group_id     = "chat-test"
  cache_shards             = 2
  cache_replicas           = 1
  cluster_name             = "chat-test"
  email_addresses          = ["oncall@example.com"]
  monthly_budget_usd       = 1000
}

run "every_broker_and_every_node" {
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.broker) == 9 && length(aws_cloudwatch_metric_alarm.redis) == 12
    error_message = "three alarms for each of three brokers and of four nodes"
  }
  assert {
    condition     = toset([for alarm in aws_cloudwatch_metric_alarm.redis : alarm.dimensions.CacheClusterId]) == toset(["chat-test-0001-001", "chat-test-0001-002", "chat-test-0002-001", "chat-test-0002-002"])
    error_message = "as ElastiCache calls its nodes"
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.kafka), values(aws_cloudwatch_metric_alarm.broker), values(aws_cloudwatch_metric_alarm.redis)) : alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && length(alarm.alarm_description) > 0])
    error_message = "each tells somebody, and what to do"
  }
}

run "nobody_to_tell_no_budget" {
  variables {
    email_addresses = []
  }
  assert {
    condition     = length(aws_budgets_budget.month) == 0
    error_message = "a budget that tells nobody is refused by AWS"
  }
}

run "what_is_no_address_is_refused" {
  command = plan
  variables {
    email_addresses = ["oncall"]
  }
  expect_failures = [var.email_addresses]
}

run "negative_budgets_are_refused" {
  command = plan
  variables {
    monthly_budget_usd = -1
  }
  expect_failures = [var.monthly_budget_usd]
}
