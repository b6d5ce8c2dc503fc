variable "name" {
  description = "What everything is called or begins with, such as chat-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 20 of a-z, 0-9 and -, beginning with a letter, such as chat-prod."
  }
}

variable "environment" {
  description = "The environment on GitHub: dev or prod."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment: write dev or prod, as the environments on GitHub are called."
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

variable "zones" {
  description = "Three availability zones of the region."
  type        = list(string)
}

variable "cidr" {
  description = "Addresses of the VPC, a /16 that nothing you connect to uses."
  type        = string
  default     = "10.64.0.0/16"
}

variable "size" {
  description = "small, medium or large: docs/aws.md says what they carry and cost."
  type        = string

  validation {
    condition     = contains(["small", "medium", "large"], var.size)
    error_message = "size: write small, medium or large. Another shape is another entry in modules/infrastructure/sizes.tf."
  }

  validation {
    condition     = !(var.environment == "prod" && var.size == "small")
    error_message = "size: prod takes medium or large. small has one way out for all zones, one shard and burstable machines: a zone's end would cut everybody off."
  }
}

variable "chats" {
  description = "The ChatClusters: name and namespace of each."
  type        = list(object({ name = string, namespace = string }))
}

variable "administrator_role_arns" {
  description = "Roles of people that administer the cluster. The role that applies is added by itself."
  type        = list(string)
}

variable "public_access_cidrs" {
  description = "Who reaches the API server from outside of the VPC. GitHub's own runners have no fixed addresses: with an empty list the add-ons are applied by a runner within the VPC."
  type        = list(string)
  default     = []
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string
  default     = "1.34"
}

variable "kafka_version" {
  description = "Version of Kafka as MSK writes it."
  type        = string
  default     = "4.0.x.kraft"
}

variable "repository" {
  description = "The repository on GitHub, OWNER/NAME."
  type        = string
}

variable "create_oidc_provider" {
  description = "Whether to make GitHub's OIDC provider; an account has one."
  type        = bool
  default     = true
}

variable "state_bucket" {
  description = "The bucket with Terraform's state."
  type        = string
}

variable "email_addresses" {
  description = "Who gets the alarms."
  type        = set(string)
  default     = []
}

variable "monthly_budget_usd" {
  description = "What a month may cost, in US dollars; 0: nothing is told."
  type        = number
}
