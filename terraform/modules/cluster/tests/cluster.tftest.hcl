mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = { arn = "arn:aws:eks:eu-central-1:111122223333:cluster/chat-test", certificate_authority = [{ data = "UEVN" }] }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  permissions_boundary_arn = "arn:aws:iam::111122223333:policy/chat-test-boundary"
  name                     = "chat-test"
  region                   = "eu-central-1"
  subnet_ids               = ["subnet-a", "subnet-b", "subnet-c"]
  logs_key_arn             = "arn:aws:kms:eu-central-1:111122223333:key/1"
  administrator_roles      = { platform = "arn:aws:iam::111122223333:role/platform" }
  viewer_roles             = { plan = "arn:aws:iam::111122223333:role/plan" }
}

run "nobody_outside_and_everything_encrypted" {
  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access == false && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "without addresses there is no public endpoint"
  }
  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"])
    error_message = "secrets are encrypted with a key of our own"
  }
  assert {
    condition     = aws_launch_template.system.metadata_options[0].http_tokens == "required" && aws_launch_template.system.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2 only, and not for pods"
  }
  assert {
    condition     = aws_launch_template.system.block_device_mappings[0].ebs[0].encrypted == "true"
    error_message = "disks are encrypted"
  }
  assert {
    condition     = aws_eks_node_group.system.capacity_type == "ON_DEMAND"
    error_message = "Karpenter may not run on machines that end"
  }
  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values).enableNetworkPolicy == "true"
    error_message = "the charts' NetworkPolicies must be enforced"
  }
}

run "people_administer_and_plans_look" {
  assert {
    condition = { for name, association in aws_eks_access_policy_association.this : name => association.policy_arn } == {
      "administrator/platform" = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
      "viewer/plan"            = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy"
    }
    error_message = "who plans may not change"
  }
}

run "karpenter_touches_what_it_made_only" {
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.karpenter.policy).Statement :
      alltrue([for action in flatten([statement.Action]) : !strcontains(action, "*")])
    ])
    error_message = "no action with a wildcard"
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.karpenter.policy).Statement :
      try(statement.Condition.StringEquals["aws:ResourceTag/kubernetes.io/cluster/chat-test"], "") == "owned"
      if contains(["End", "NameMachines", "FromTemplate"], statement.Sid)
    ])
    error_message = "machines of others are neither ended nor named"
  }
  assert {
    condition = length([
      for statement in jsondecode(aws_iam_role_policy.karpenter.policy).Statement : statement
      if statement.Sid == "NodeRole" && statement.Resource == aws_iam_role.node.arn
    ]) == 1
    error_message = "no role but the nodes' is handed on"
  }
}

run "an_office_may_reach_the_api_server" {
  variables {
    public_access_cidrs = ["203.0.113.0/24"]
  }
  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.0/24"])
    error_message = "only that network"
  }
}

run "everybody_is_refused" {
  command = plan
  variables {
    public_access_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.public_access_cidrs]
}

run "old_kubernetes_is_refused" {
  command = plan
  variables {
    kubernetes_version = "1.29"
  }
  expect_failures = [var.kubernetes_version]
}

run "a_cluster_without_administrators_is_refused" {
  command = plan
  variables {
    administrator_roles = {}
  }
  expect_failures = [var.administrator_roles]
}

run "one_node_is_refused" {
  command = plan
  variables {
    system_nodes = 1
  }
  expect_failures = [var.system_nodes]
}

run "instances_of_another_architecture_are_refused" {
  command = plan
  variables {
    system_instance_types = ["m7i.large"]
  }
  expect_failures = [var.system_instance_types]
}
