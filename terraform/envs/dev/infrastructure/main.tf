# The environment dev in AWS. What is true of it and of no other is in terraform.tfvars.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # The bucket is given with -backend-config. The lock is a file beside the state.
  backend "s3" {
    key          = "elastic-chat/dev/infrastructure.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = { project = "elastic-chat", environment = "dev", "managed-by" = "terraform" }
  }
}

module "infrastructure" {
  source                  = "../../../modules/infrastructure"
  name                    = "chat-dev"
  environment             = "dev"
  region                  = var.region
  zones                   = [for letter in ["a", "b", "c"] : "${var.region}${letter}"]
  cidr                    = "10.64.0.0/16"
  size                    = var.size
  chats                   = var.chats
  administrator_role_arns = var.administrator_role_arns
  public_access_cidrs     = var.public_access_cidrs
  repository              = var.repository
  create_oidc_provider    = var.create_oidc_provider
  state_bucket            = var.state_bucket
  email_addresses         = var.email_addresses
  monthly_budget_usd      = var.monthly_budget_usd
}
