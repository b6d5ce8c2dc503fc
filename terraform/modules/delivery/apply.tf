# The role that applies: the services that the modules use, in one region, and roles of this environment's name. It can't
# make a role without the boundary, nor one of another name, nor change itself.

resource "aws_iam_policy" "boundary" {
  name        = "${var.name}-boundary"
  description = "What no role made for ${var.name} can ever do"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Everything", Effect = "Allow", Action = "*", Resource = "*" },
      {
        # CreateServiceLinkedRole is not among them: EKS and the load balancer controller need it.
        Sid    = "ButNoOtherRights"
        Effect = "Deny"
        Action = [
          "account:*", "organizations:*", "iam:Add*", "iam:Attach*", "iam:CreateAccessKey", "iam:CreateInstanceProfile",
          "iam:CreateLoginProfile", "iam:CreateOpenIDConnectProvider", "iam:CreatePolicy*", "iam:CreateRole", "iam:CreateSAMLProvider",
          "iam:CreateUser", "iam:Delete*", "iam:Detach*", "iam:Put*", "iam:Set*", "iam:Update*", "iam:Upload*",
          "cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "s3:PutAccountPublicAccessBlock",
        ]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role_policy" "apply" {
  name = "change"
  role = aws_iam_role.this["apply"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Services"
        Effect = "Allow"
        Action = [
          "application-autoscaling:*", "aps:*", "budgets:*", "cloudwatch:*", "ec2:*", "ecr:*", "eks:*", "elasticache:*", "events:*",
          "kafka:*", "kms:*", "logs:*", "secretsmanager:*", "sns:*", "sqs:*", "sts:GetCallerIdentity",
        ]
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = [var.region, "us-east-1"] } }
      },
      {
        Sid    = "Buckets"
        Effect = "Allow"
        Action = "s3:*"
        Resource = concat(
          [for name in ["${var.name}-*", var.state_bucket] : "arn:aws:s3:::${name}"],
          [for name in ["${var.name}-*", var.state_bucket] : "arn:aws:s3:::${name}/*"],
        )
      },
      { Sid = "LookAtRoles", Effect = "Allow", Action = ["iam:Get*", "iam:List*"], Resource = "*" },
      {
        Sid       = "BoundedRoles"
        Effect    = "Allow"
        Action    = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
        Resource  = "${local.ours}:role/${var.name}-*"
        Condition = { StringEquals = { "iam:PermissionsBoundary" = "${local.ours}:policy/${var.name}-boundary" } }
      },
      {
        Sid      = "Roles"
        Effect   = "Allow"
        Action   = ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"]
        Resource = "${local.ours}:role/${var.name}-*"
      },
      { Sid = "HandOn", Effect = "Allow", Action = "iam:PassRole", Resource = "${local.ours}:role/${var.name}-*" },
      {
        Sid      = "Profiles"
        Effect   = "Allow"
        Action   = ["iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile"]
        Resource = "${local.ours}:instance-profile/${var.name}-*"
      },
      { Sid = "ServiceRoles", Effect = "Allow", Action = "iam:CreateServiceLinkedRole", Resource = "${local.ours}:role/aws-service-role/*" },
      {
        Sid      = "NeverItself"
        Effect   = "Deny"
        Action   = ["iam:Add*", "iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:Put*", "iam:Update*"]
        Resource = ["${local.ours}:role/${var.name}-github-*", "${local.ours}:policy/${var.name}-boundary", local.provider]
      },
    ]
  })
}
