variable "name" {
  description = "What the cluster and its roles are called, such as chat-prod."
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

variable "kubernetes_version" {
  description = "Minor version of Kubernetes, 1.30 or newer."
  type        = string
  default     = "1.34"

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version)) ? tonumber(split(".", var.kubernetes_version)[1]) >= 30 : false
    error_message = "kubernetes_version: write 1.30 or newer, such as 1.34, in quotes: the definition of ChatCluster compares quantities and its pods end after a sleep, which older ones can't."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one in each of three zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 3
    error_message = "subnet_ids: give the private subnets of three zones (private_subnet_ids of the module network)."
  }
}

variable "logs_key_arn" {
  description = "The key that log groups are encrypted with."
  type        = string

  validation {
    condition     = startswith(var.logs_key_arn, "arn:")
    error_message = "logs_key_arn: give a key's ARN (logs_key_arn of the module network), not its id or alias."
  }
}

variable "public_access_cidrs" {
  description = "Who reaches the API server from outside of the VPC. Empty: nobody; then Terraform runs within it, or by a VPN."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrhost(cidr, 0)) && tonumber(split("/", cidr)[1]) >= 16])
    error_message = "public_access_cidrs: name networks of /16 or smaller, such as 203.0.113.0/24. 0.0.0.0/0 would show the API server to everybody; leave the list empty to have no public endpoint."
  }
}

variable "administrator_roles" {
  description = "Roles that administer the cluster, by any names that are known before they are made. What applies the add-ons must be among them."
  type        = map(string)

  validation {
    condition     = length(var.administrator_roles) > 0 && alltrue([for arn in values(var.administrator_roles) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn))])
    error_message = "administrator_roles: name at least one role, as arn:aws:iam::111122223333:role/NAME. Nobody administers a cluster by having made it, so without one nobody could."
  }
}

variable "viewer_roles" {
  description = "Roles that see everything in the cluster, Secrets too (Helm keeps its releases in such), and change nothing: what plans the add-ons."
  type        = map(string)
  default     = {}
}

variable "system_instance_types" {
  description = "Instances of the managed group, which carries what must run before Karpenter does, and Karpenter."
  type        = list(string)
  default     = ["m7g.large", "m6g.large"]

  validation {
    condition     = length(var.system_instance_types) > 0 && alltrue([for type in var.system_instance_types : can(regex("^[a-z]+[0-9]+g[a-z]*\\.", type))])
    error_message = "system_instance_types: name Graviton types only, such as m7g.large: the group's image is for arm64."
  }
}

variable "system_nodes" {
  description = "How many nodes the managed group has."
  type        = number
  default     = 3

  validation {
    condition     = var.system_nodes >= 2 && var.system_nodes <= 10 && floor(var.system_nodes) == var.system_nodes
    error_message = "system_nodes: write 2 to 10. With one node its end would stop DNS and Karpenter; what grows with the traffic is Karpenter's, not this group's."
  }
}

variable "log_days" {
  description = "How many days the control plane's logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_days)
    error_message = "log_days: CloudWatch keeps 7, 14, 30, 60, 90, 180 or 365 days: take one of these."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the cluster until this is taken back."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "The policy that bounds every role made here (boundary_arn of the module delivery): Terraform's own role may make no other."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: give boundary_arn of the module delivery; without it the role that applies may not make roles."
  }
}
