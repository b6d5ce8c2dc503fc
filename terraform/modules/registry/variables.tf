variable "name" {
  description = "What everything is called or begins with, such as chat-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 20 of a-z, 0-9 and -, beginning with a letter, such as chat-prod."
  }
}

variable "repositories" {
  description = "The images. Each is NAME/IMAGE in the registry."
  type        = set(string)
  default     = ["chat-node", "writer", "operator", "web", "charts/elastic-chat-operator", "charts/elastic-chat-crds"]

  validation {
    condition     = length(var.repositories) > 0 && alltrue([for name in var.repositories : can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", name))])
    error_message = "repositories: write lower-case names of letters and digits, with ., _, - or / between them, such as chat-node."
  }
}

variable "kept_images" {
  description = "How many tagged images of each are kept; older ones go."
  type        = number
  default     = 50

  validation {
    condition     = var.kept_images >= 10 && var.kept_images <= 1000
    error_message = "kept_images: write 10 to 1000. What runs must stay, and so must what one goes back to."
  }
}

variable "protect" {
  description = "Whether repositories that hold images can't be deleted by a mistake."
  type        = bool
  default     = true
}
