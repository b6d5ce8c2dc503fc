locals {
  kafka = { "Cluster Name" = var.kafka_cluster_name }

  # Of the whole Kafka cluster.
  cluster_alarms = {
    offline = { metric = "OfflinePartitionsCount", above = 0, says = "Partitions have no leader: sends to them are refused." }
  }

  # Of each broker. Of three replicas two must have each message: one missing is a warning, two stop sends.
  broker_alarms = merge([for broker in range(1, var.brokers + 1) : {
    "isr-${broker}"  = { broker = broker, metric = "UnderMinIsrPartitionCount", above = 0, says = "Partitions with fewer than two replicas: sends to them wait or fail." }
    "disk-${broker}" = { broker = broker, metric = "KafkaDataLogsDiskUsed", above = 85, says = "The volume fills faster than it grows (once in six hours): raise broker_storage_gib." }
    "cpu-${broker}"  = { broker = broker, metric = "CpuUser", above = 60, says = "No room for the load of a broker that fails: take larger ones, or three more." }
  }]...)

  redis_alarms = {
    cpu       = { metric = "EngineCPUUtilization", above = 80, says = "A shard's one core is nearly used up: more shards." }
    memory    = { metric = "DatabaseMemoryUsagePercentage", above = 75, says = "At the end of memory appends are refused, and live delivery waits for the writers: larger nodes or more shards." }
    evictions = { metric = "Evictions", above = 0, says = "Registrations vanish: maxmemory-policy must be noeviction." }
  }
}

resource "aws_cloudwatch_metric_alarm" "kafka" {
  for_each            = local.cluster_alarms
  alarm_name          = "${var.name}-kafka-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/Kafka"
  metric_name         = each.value.metric
  dimensions          = local.kafka
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "broker" {
  for_each            = local.broker_alarms
  alarm_name          = "${var.name}-kafka-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/Kafka"
  metric_name         = each.value.metric
  dimensions          = merge(local.kafka, { "Broker ID" = tostring(each.value.broker) })
  statistic           = each.value.metric == "CpuUser" ? "Average" : "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 300
  evaluation_periods  = each.value.metric == "CpuUser" ? 6 : 2
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# Of each node: ElastiCache calls them GROUP-SHARD-NODE, counted from 1.
locals {
  nodes = [for pair in setproduct(range(1, var.cache_shards + 1), range(1, var.cache_replicas + 2)) : format("%s-%04d-%03d", var.replication_group_id, pair...)]
  node_alarms = merge([for node in local.nodes : {
    for what, alarm in local.redis_alarms : "${node}-${what}" => merge(alarm, { node = node })
  }]...)
}

resource "aws_cloudwatch_metric_alarm" "redis" {
  for_each            = local.node_alarms
  alarm_name          = "${var.name}-redis-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/ElastiCache"
  metric_name         = each.value.metric
  dimensions          = { CacheClusterId = each.value.node }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
