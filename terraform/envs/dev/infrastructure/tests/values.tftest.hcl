# The root with the values that it comes with.
mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = { certificate_authority = [{ data = "UEVN" }] }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::111122223333:policy/chat-dev-boundary" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/chat-dev" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/1" }
  }
  mock_resource "aws_ecr_repository" {
    defaults = { arn = "arn:aws:ecr:eu-central-1:111122223333:repository/chat-dev/web" }
  }
}
mock_provider "random" {}

run "applies" {
  assert {
    condition     = output.infrastructure.cluster.zones == tolist(["eu-central-1a", "eu-central-1b", "eu-central-1c"])
    error_message = "three zones of the region"
  }
  assert {
    condition     = output.infrastructure.secret_names.redis == "chat-dev/redis"
    error_message = "secrets are called after the environment"
  }
}

run "another_form_of_account_is_refused" {
  command = plan
  variables {
    account_id = "1111-2222-3333"
  }
  expect_failures = [var.account_id]
}
