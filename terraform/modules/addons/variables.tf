variable "cluster" {
  description = "The EKS cluster: its name, region, zones, and what its nodes have (outputs of the infrastructure)."
  type = object({
    name                  = string
    region                = string
    zones                 = list(string)
    vpc_id                = string
    security_group_id     = string
    node_instance_profile = string
    volumes_key_arn       = string
    interruption_queue    = string
  })
}

variable "operator" {
  description = "Where the operator's charts and images are, and which version: the repository is an OCI one (oci://…/charts), or a folder with the charts."
  type        = object({ charts = string, images = string, version = string })

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$", var.operator.version))
    error_message = "operator.version: write a whole version, such as 0.1.0, and none that moves, such as latest: what is applied must be what was planned."
  }

  validation {
    condition     = startswith(var.operator.charts, "oci://") || startswith(var.operator.charts, "/") || startswith(var.operator.charts, ".")
    error_message = "operator.charts: write oci://REGISTRY/PREFIX/charts, or the path of the folder charts."
  }
}

variable "namespaces" {
  description = "The namespace of each ChatCluster; each gets the credentials of Kafka, Redis and Cassandra."
  type        = set(string)

  validation {
    condition     = length(var.namespaces) > 0 && alltrue([for name in var.namespaces : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name)) && !startswith(name, "kube-")])
    error_message = "namespaces: name at least one, of a-z, 0-9 and -, and none of Kubernetes' own (kube-…)."
  }
}

variable "secret_names" {
  description = "Names in Secrets Manager (secret_names of the module data)."
  type        = object({ kafka = string, redis = string, cassandra = string })
}

variable "cassandra" {
  description = "Cassandra on the cluster: nodes (a multiple of three), the volume of each, heap and memory in GiB, cores, and the bucket of the backups."
  type = object({
    version        = optional(string, "5.0.6")
    nodes          = optional(number, 3)
    storage_gib    = optional(number, 200)
    heap_gib       = optional(number, 8)
    memory_gib     = optional(number, 16)
    cpu            = optional(number, 3)
    backups_bucket = string
  })

  validation {
    condition     = var.cassandra.nodes >= 3 && var.cassandra.nodes % 3 == 0
    error_message = "cassandra.nodes: write 3, 6, 9 …: as many in each zone. LOCAL_QUORUM needs two of three replicas."
  }

  validation {
    condition     = startswith(var.cassandra.version, "5.0.")
    error_message = "cassandra.version: write a release of 5.0, such as 5.0.6: it is what the tests run against."
  }

  validation {
    condition     = var.cassandra.heap_gib * 2 <= var.cassandra.memory_gib
    error_message = "cassandra.heap_gib: half of memory_gib at most: the other half is the page cache and what lies outside of the heap."
  }
}

variable "spot" {
  description = "Which pools may take spot machines. Gateways on spot need drainSeconds of 90 at most: AWS ends a machine two minutes after it says so."
  type        = object({ writers = optional(bool, true), gateways = optional(bool, false) })
  default     = {}
}

variable "versions" {
  description = "Versions of the charts of others. Look at what each says on upgrades before you change one."
  type = object({
    karpenter                    = optional(string, "1.8.1")
    aws_load_balancer_controller = optional(string, "1.14.1")
    cert_manager                 = optional(string, "v1.19.1")
    external_secrets             = optional(string, "1.0.0")
    k8ssandra_operator           = optional(string, "1.24.0")
    argo_cd                      = optional(string, "9.1.3")
  })
  default = {}

  validation {
    condition     = alltrue([for version in values(var.versions) : can(regex("^v?[0-9]+\\.[0-9]+\\.[0-9]+$", version))])
    error_message = "versions: write each whole, such as 1.8.1, and neither ranges nor latest."
  }
}
