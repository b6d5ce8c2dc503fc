mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  name            = "chat-test"
  region          = "eu-central-1"
  repository      = "example/elastic-chat"
  environment     = "dev"
  repository_arns = ["arn:aws:ecr:eu-central-1:111122223333:repository/chat-test/chat-node"]
  state_bucket    = "example-terraform-state"
}

run "only_environments_of_this_repository_take_the_roles" {
  assert {
    condition = alltrue([for name, role in aws_iam_role.this :
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:example/elastic-chat:environment:${name == "plan" ? "dev-plan" : "dev"}"
      && jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    ])
    error_message = "the subject is compared whole, without a wildcard"
  }
}

run "deploying_is_pushing" {
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.deploy.policy).Statement : alltrue([for action in flatten([statement.Action]) : startswith(action, "ecr:") && !strcontains(action, "*") && !strcontains(action, "Delete")])])
    error_message = "images are pushed; nothing is deleted, nothing else is touched"
  }
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.deploy.policy).Statement : statement.Sid == "Login" || toset(flatten([statement.Resource])) == toset(var.repository_arns)])
    error_message = "only to these repositories"
  }
}

run "planning_reads" {
  assert {
    condition     = aws_iam_role_policy_attachment.plan.policy_arn == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    error_message = "reading only"
  }
  assert {
    condition     = length([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement if statement.Effect == "Deny" && contains(flatten([statement.Action]), "s3:GetObject") && try(statement.NotResource, "") == "arn:aws:s3:::example-terraform-state/*"]) == 1
    error_message = "no object but those of the state"
  }
}

run "applying_makes_bounded_roles_only" {
  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement :
      try(statement.Condition.StringEquals["iam:PermissionsBoundary"], "") == "arn:aws:iam::111122223333:policy/chat-test-boundary"
    if statement.Effect == "Allow" && length(setintersection(flatten([statement.Action]), ["iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"])) > 0])
    error_message = "rights are given within the boundary only"
  }
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement : alltrue([for action in flatten([statement.Action]) : action != "*" && action != "iam:*"]) if statement.Effect == "Allow"])
    error_message = "neither everything nor all of IAM"
  }
  assert {
    condition     = length([for statement in jsondecode(aws_iam_role_policy.apply.policy).Statement : statement if statement.Effect == "Deny" && contains(flatten([statement.Resource]), "arn:aws:iam::111122223333:role/chat-test-github-*")]) == 1
    error_message = "it can't change itself"
  }
}

run "a_second_environment_of_the_account" {
  variables {
    create_provider = false
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "an account has one provider"
  }
}

run "wildcards_are_refused" {
  command = plan
  variables {
    repository = "example/*"
  }
  expect_failures = [var.repository]
}

run "all_repositories_are_refused" {
  command = plan
  variables {
    repository_arns = ["arn:aws:ecr:eu-central-1:111122223333:repository/*"]
  }
  expect_failures = [var.repository_arns]
}

run "other_environments_are_refused" {
  command = plan
  variables {
    environment = "staging"
  }
  expect_failures = [var.environment]
}
