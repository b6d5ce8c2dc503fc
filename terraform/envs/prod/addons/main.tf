# What runs in the cluster of prod before the first ChatCluster does.

terraform {
  required_version = ">= 1.10"

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.1"
    }
  }

  backend "s3" {
    key          = "elastic-chat/prod/addons.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

data "terraform_remote_state" "infrastructure" {
  backend = "s3"
  config = {
    bucket = var.state_bucket
    key    = "elastic-chat/prod/infrastructure.tfstate"
    region = var.region
  }
}

locals {
  infrastructure = data.terraform_remote_state.infrastructure.outputs.infrastructure
}

provider "helm" {
  kubernetes = {
    host                   = local.infrastructure.api_server.endpoint
    cluster_ca_certificate = base64decode(local.infrastructure.api_server.certificate_authority)
    # A token of a quarter of an hour, from the role that Terraform runs with.
    exec = {
      api_version = "client.authentication.k8s.io/v1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", local.infrastructure.cluster.name, "--region", var.region, "--output", "json"]
    }
  }
}

module "addons" {
  source       = "../../../modules/addons"
  cluster      = local.infrastructure.cluster
  namespaces   = local.infrastructure.namespaces
  secret_names = local.infrastructure.secret_names
  cassandra    = local.infrastructure.cassandra

  operator = {
    charts  = "oci://${local.infrastructure.images}/charts"
    images  = local.infrastructure.images
    version = var.operator_version
  }
}
