mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = { certificate_authority = [{ data = "UEVN" }] }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::111122223333:policy/chat-test-boundary" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/chat-test" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/1" }
  }
  mock_resource "aws_ecr_repository" {
    defaults = {
      arn            = "arn:aws:ecr:eu-central-1:111122223333:repository/chat-test/charts/elastic-chat-crds"
      repository_url = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/chat-test/charts/elastic-chat-crds"
    }
  }
}
mock_provider "random" {}

variables {
  name                    = "chat-test"
  environment             = "dev"
  region                  = "eu-central-1"
  zones                   = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  size                    = "small"
  chats                   = [{ name = "team", namespace = "chat" }]
  administrator_role_arns = ["arn:aws:iam::111122223333:role/platform"]
  repository              = "example/elastic-chat"
  state_bucket            = "example-terraform-state"
  monthly_budget_usd      = 0
}

run "small" {
  assert {
    condition     = output.cassandra.nodes == 3 && output.namespaces == tolist(["chat"])
    error_message = "as sizes.tf says"
  }
  assert {
    condition     = output.images == "111122223333.dkr.ecr.eu-central-1.amazonaws.com/chat-test"
    error_message = "what stands before the images' names"
  }
  assert {
    condition     = output.chat_cluster_spec.image.repository == output.images && output.chat_cluster_spec.kafka.partitions == 64
    error_message = "the fields of docs/reference/chatcluster.md"
  }
}

run "medium_in_production" {
  variables {
    environment = "prod"
    size        = "medium"
  }
  assert {
    condition     = output.cassandra.storage_gib == 500
    error_message = "as sizes.tf says"
  }
}

run "large" {
  variables {
    environment = "prod"
    size        = "large"
  }
  assert {
    condition     = output.cassandra.nodes == 9
    error_message = "as sizes.tf says"
  }
}

run "small_in_production_is_refused" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.size]
}

run "another_size_is_refused" {
  command = plan
  variables {
    size = "huge"
  }
  # The table has none of that name, and says so after the variable did.
  expect_failures = [var.size]
}
