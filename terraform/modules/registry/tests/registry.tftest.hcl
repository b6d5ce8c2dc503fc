mock_provider "aws" {}

variables {
  name = "chat-test"
}

run "tags_never_change" {
  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push && !repository.force_delete])
    error_message = "immutable, scanned, protected"
  }
  assert {
    condition     = toset([for repository in aws_ecr_repository.this : repository.name]) == toset(["chat-test/chat-node", "chat-test/writer", "chat-test/operator", "chat-test/web", "chat-test/charts/elastic-chat-operator", "chat-test/charts/elastic-chat-crds"])
    error_message = "one for each image and chart"
  }
  assert {
    condition     = alltrue([for policy in aws_ecr_lifecycle_policy.this : jsondecode(policy.policy).rules[1].selection.countNumber == 50])
    error_message = "the newest fifty stay"
  }
}

run "keeping_too_few_is_refused" {
  command = plan
  variables {
    kept_images = 1
  }
  expect_failures = [var.kept_images]
}

run "names_that_ecr_refuses_are_refused" {
  command = plan
  variables {
    repositories = ["Chat_Node"]
  }
  expect_failures = [var.repositories]
}
