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

variable "repository" {
  description = "The repository on GitHub whose workflows take these roles: OWNER/NAME."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository: write OWNER/NAME as GitHub does, without an address and without *: with a wildcard, workflows of others would take the roles."
  }
}

variable "environment" {
  description = "The environment on GitHub, dev or prod. Its reviewers are asked before a role is taken."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment: write dev or prod, as the environments on GitHub are called."
  }
}

variable "create_provider" {
  description = "Whether to make GitHub's OIDC provider. An account has one: where two environments share an account, the second says false."
  type        = bool
  default     = true
}

variable "repository_arns" {
  description = "Repositories that the deploying role may push to."
  type        = list(string)

  validation {
    condition     = length(var.repository_arns) > 0 && alltrue([for arn in var.repository_arns : can(regex("^arn:aws[a-z-]*:ecr:[^*]+:repository/[^*]+$", arn))])
    error_message = "repository_arns: give the ARNs of repositories (repository_arns of the module registry), without *."
  }
}

variable "state_bucket" {
  description = "The bucket with Terraform's state."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket: write the bucket's name, not its ARN or address."
  }
}
