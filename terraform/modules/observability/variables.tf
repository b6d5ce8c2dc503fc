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
}

variable "kafka_cluster_name" {
  description = "The MSK cluster that is watched."
  type        = string
}

variable "brokers" {
  description = "How many brokers it has."
  type        = number

  validation {
    condition     = var.brokers >= 3
    error_message = "brokers: give the number of brokers that the module data has, 3 or more."
  }
}

variable "replication_group_id" {
  description = "The ElastiCache replication group that is watched."
  type        = string
}

variable "cluster_name" {
  description = "The EKS cluster whose Prometheus may write into the workspace."
  type        = string
}

variable "email_addresses" {
  description = "Who gets the alarms. Each has to confirm it once, by a link in a mail."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.email_addresses : can(regex("^[^@\\s]+@[^@\\s]+\\.[a-z]+$", address))])
    error_message = "email_addresses: write addresses, such as oncall@example.com."
  }
}

variable "monthly_budget_usd" {
  description = "What a month may cost, in US dollars; 80 % of it, and a forecast above it, are told by mail. 0: nothing is told."
  type        = number

  validation {
    condition     = var.monthly_budget_usd >= 0
    error_message = "monthly_budget_usd: write a number of US dollars, or 0 to have none. docs/aws.md reckons what to expect."
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

variable "cache_shards" {
  description = "How many shards the module data has."
  type        = number
}

variable "cache_replicas" {
  description = "How many replicas each of them has."
  type        = number
}
