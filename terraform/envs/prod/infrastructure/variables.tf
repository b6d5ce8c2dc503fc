variable "account_id" {
  description = "The account. Terraform stops when it was given the credentials of another."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: write twelve digits in quotes, without dashes."
  }
}

variable "region" {
  description = "The region. Its zones a, b and c are used; in a region where an account lacks one of them, name others in main.tf."
  type        = string
}

variable "size" {
  description = "small, medium or large."
  type        = string
}

variable "chats" {
  description = "The ChatClusters: name and namespace of each."
  type        = list(object({ name = string, namespace = string }))
}

variable "administrator_role_arns" {
  description = "Roles of people that administer the cluster."
  type        = list(string)
}

variable "public_access_cidrs" {
  description = "Who reaches the API server from outside of the VPC."
  type        = list(string)
  default     = []
}

variable "repository" {
  description = "The repository on GitHub, OWNER/NAME."
  type        = string
}

variable "create_oidc_provider" {
  description = "Whether this root makes GitHub's OIDC provider; of two environments in one account only one does."
  type        = bool
  default     = true
}

variable "state_bucket" {
  description = "The bucket with the state, the same as in -backend-config."
  type        = string
}

variable "email_addresses" {
  description = "Who gets the alarms."
  type        = set(string)
  default     = []
}

variable "monthly_budget_usd" {
  description = "What a month may cost, in US dollars."
  type        = number
}
