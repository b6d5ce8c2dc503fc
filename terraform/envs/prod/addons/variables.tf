variable "region" {
  description = "The region."
  type        = string
}

variable "state_bucket" {
  description = "The bucket with the state, the same as in -backend-config."
  type        = string
}

variable "operator_version" {
  description = "Version of the operator and its charts. Charts and images of it must be in the registry before."
  type        = string
}
