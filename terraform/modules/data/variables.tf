variable "name" {
  description = "What everything is called or begins with, such as chat-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 20 of a-z, 0-9 and -, beginning with a letter, such as chat-prod."
  }
}

variable "region" {
  description = "The region, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: write the code of a region, such as eu-central-1."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets without a way out, one in each of three zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 3
    error_message = "subnet_ids: give three, one in each zone (data_subnet_ids of the module network): there are three replicas of everything."
  }
}

variable "client_security_group_id" {
  description = "Who may connect: the group that the cluster's nodes and pods have."
  type        = string

  validation {
    condition     = length(var.client_security_group_id) > 0
    error_message = "client_security_group_id: give security_group_id of the module cluster; without it no pod reaches Kafka or Redis."
  }
}

variable "cluster_name" {
  description = "The EKS cluster whose pods take the roles made here."
  type        = string
}

variable "chats" {
  description = "The ChatClusters that keep files in the bucket: name and namespace of each."
  type        = list(object({ name = string, namespace = string }))

  validation {
    condition     = length(var.chats) > 0 && length(distinct(var.chats)) == length(var.chats)
    error_message = "chats: name each ChatCluster once, such as [{ name = \"chat\", namespace = \"chat\" }]: the role is given to the service account NAME-gateway in that namespace."
  }
}

variable "kafka_version" {
  description = "Version of Kafka as MSK writes it, with KRaft: 4.0 or newer, or an older one with `classicGroupProtocol`."
  type        = string
  default     = "4.0.x.kraft"

  validation {
    condition     = can(regex("^(3\\.[7-9]|[4-9]\\.[0-9]+)\\.(x|[0-9]+)\\.kraft$", var.kafka_version))
    error_message = "kafka_version: write it as MSK does, with KRaft, 3.7 or newer: 4.0.x.kraft. `aws kafka list-kafka-versions` tells what your region has."
  }
}

variable "broker_instance_type" {
  description = "Instances of the brokers."
  type        = string
  default     = "kafka.m7g.large"

  validation {
    condition     = can(regex("^kafka\\.m7g\\.", var.broker_instance_type))
    error_message = "broker_instance_type: write a Graviton one, such as kafka.m7g.large. kafka.t3.small does not carry 64 partitions three times, and express brokers take none of the settings that this needs."
  }
}

variable "brokers" {
  description = "How many brokers: a multiple of the three zones."
  type        = number
  default     = 3

  validation {
    condition     = var.brokers >= 3 && var.brokers % 3 == 0
    error_message = "brokers: write 3, 6, 9 …: each zone has as many, and with fewer than three there are no three replicas of which two must have each message."
  }
}

variable "broker_storage_gib" {
  description = "Where each broker's volume begins, in GiB, and up to where it may grow by itself. It never shrinks."
  type        = object({ initial = number, maximum = number })
  default     = { initial = 100, maximum = 1000 }

  validation {
    condition     = var.broker_storage_gib.initial >= 10 && var.broker_storage_gib.maximum >= var.broker_storage_gib.initial && var.broker_storage_gib.maximum <= 16384
    error_message = "broker_storage_gib: initial must be 10 or more, maximum not below it and at most 16384. Reckon messages per second × bytes × 604,800 s × 3 replicas ÷ brokers, and half of it again."
  }
}

variable "valkey_version" {
  description = "Version of Valkey: 8.0 or newer."
  type        = string
  default     = "8.0"

  validation {
    condition     = can(regex("^([8-9]|[1-9][0-9])\\.[0-9]$", var.valkey_version))
    error_message = "valkey_version: write 8.0 or newer, in quotes. Shard channels and rules for subcommands came with 7."
  }
}

variable "cache_node_type" {
  description = "Instances of Valkey."
  type        = string
  default     = "cache.m7g.large"

  validation {
    condition     = can(regex("^cache\\.(m|r|t4g|c)[a-z0-9]*\\.", var.cache_node_type)) && !startswith(var.cache_node_type, "cache.t2") && !startswith(var.cache_node_type, "cache.t3")
    error_message = "cache_node_type: write a Graviton one, such as cache.m7g.large; cache.t4g.medium does for development."
  }
}

variable "cache_shards" {
  description = "Shards of the cluster. A shard carries what one core does: docs/capacity.md reckons messages a second."
  type        = number
  default     = 3

  validation {
    condition     = var.cache_shards >= 1 && var.cache_shards <= 90
    error_message = "cache_shards: write 1 to 90; 3 outlives a zone with a third of the tails lost at most."
  }
}

variable "cache_replicas" {
  description = "Replicas of each shard, in other zones."
  type        = number
  default     = 1

  validation {
    condition     = var.cache_replicas >= 1 && var.cache_replicas <= 5
    error_message = "cache_replicas: write 1 to 5. Without a replica nobody takes over: that shard's conversations would be without live delivery until the node is replaced."
  }
}

variable "file_days_until_cold" {
  description = "After how many days files go to a cheaper storage class by themselves."
  type        = number
  default     = 30

  validation {
    condition     = var.file_days_until_cold == 0 || var.file_days_until_cold >= 30
    error_message = "file_days_until_cold: write 0 (at once) or 30 and more."
  }
}

variable "protect" {
  description = "Whether buckets that hold something, and secrets within 30 days, can't be deleted by a mistake."
  type        = bool
  default     = true
}

variable "logs_key_arn" {
  description = "The key that log groups are encrypted with."
  type        = string

  validation {
    condition     = startswith(var.logs_key_arn, "arn:")
    error_message = "logs_key_arn: give a key's ARN (logs_key_arn of the module network), not its id or alias."
  }
}

variable "permissions_boundary_arn" {
  description = "The policy that bounds every role made here (boundary_arn of the module delivery): Terraform's own role may make no other."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: give boundary_arn of the module delivery; without it the role that applies may not make roles."
  }
}
