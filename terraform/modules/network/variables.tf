variable "name" {
  description = "What everything is called or begins with, such as chat-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 20 of a-z, 0-9 and -, beginning with a letter, such as chat-prod (longer ones do not fit into names of roles and buckets)."
  }
}

variable "region" {
  description = "The region, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: write the code of a region, such as eu-central-1, not a zone or its long name."
  }
}

variable "zones" {
  description = "Three availability zones of the region: as many as there are replicas of every message."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "zones: name exactly three different zones. Kafka and Cassandra keep three replicas, and two of them must outlive a zone."
  }

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "zones: each must be of the region, such as eu-central-1a for eu-central-1."
  }
}

variable "cidr" {
  description = "Addresses of the VPC, a /16. Every pod takes one of them: a gateway's sockets end at its own address."
  type        = string
  default     = "10.64.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && endswith(var.cidr, "/16")
    error_message = "cidr: write a /16 that nothing you connect to uses, such as 10.64.0.0/16. Smaller ones run out of addresses for pods, and a VPC takes none larger."
  }

  validation {
    condition     = can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.|100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.)", var.cidr))
    error_message = "cidr: write private addresses: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10."
  }
}

variable "nat_gateways" {
  description = "`per-zone`, or `single`, which is a third of the price, and without the way out when its zone is away."
  type        = string
  default     = "per-zone"

  validation {
    condition     = contains(["per-zone", "single"], var.nat_gateways)
    error_message = "nat_gateways: write per-zone or single."
  }
}

variable "log_days" {
  description = "How many days the flow logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 180, 365], var.log_days)
    error_message = "log_days: CloudWatch keeps 1, 3, 5, 7, 14, 30, 60, 90, 180 or 365 days: take one of these."
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
