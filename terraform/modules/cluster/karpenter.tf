# What Karpenter needs in AWS; Karpenter itself is one of the add-ons. Its rights: machines with this cluster's tags, made
# from this cluster's subnets and groups, with the nodes' role.

locals {
  ec2   = "arn:aws:ec2:${var.region}"
  owned = { "aws:ResourceTag/kubernetes.io/cluster/${var.name}" = "owned" }
  makes = { "aws:RequestTag/kubernetes.io/cluster/${var.name}" = "owned" }
  made  = ["fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request"]
  # Rebalance recommendations are left out: they come for machines that then run on for days.
  interruptions = {
    spot        = { source = ["aws.ec2"], "detail-type" = ["EC2 Spot Instance Interruption Warning"] }
    state       = { source = ["aws.ec2"], "detail-type" = ["EC2 Instance State-change Notification"] }
    maintenance = { source = ["aws.health"], "detail-type" = ["AWS Health Event"] }
  }
}

resource "aws_iam_role" "karpenter" {
  name                 = "${var.name}-karpenter"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "karpenter" {
  name = "machines"
  role = aws_iam_role.karpenter.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "From"
        Effect   = "Allow"
        Action   = ["ec2:RunInstances", "ec2:CreateFleet"]
        Resource = concat([for kind in ["image", "snapshot"] : "${local.ec2}::${kind}/*"], [for kind in ["security-group", "subnet"] : "${local.ec2}:*:${kind}/*"])
      },
      {
        Sid       = "FromTemplate"
        Effect    = "Allow"
        Action    = ["ec2:RunInstances", "ec2:CreateFleet"]
        Resource  = "${local.ec2}:*:launch-template/*"
        Condition = { StringEquals = local.owned }
      },
      {
        Sid       = "Make"
        Effect    = "Allow"
        Action    = ["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"]
        Resource  = [for kind in local.made : "${local.ec2}:*:${kind}/*"]
        Condition = { StringEquals = local.makes }
      },
      {
        Sid       = "TagWhatIsMade"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = [for kind in local.made : "${local.ec2}:*:${kind}/*"]
        Condition = { StringEquals = merge(local.makes, { "ec2:CreateAction" = ["RunInstances", "CreateFleet", "CreateLaunchTemplate"] }) }
      },
      {
        Sid      = "NameMachines"
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = "${local.ec2}:*:instance/*"
        Condition = {
          StringEquals                = local.owned
          "ForAllValues:StringEquals" = { "aws:TagKeys" = ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"] }
        }
      },
      {
        Sid       = "End"
        Effect    = "Allow"
        Action    = ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"]
        Resource  = ["${local.ec2}:*:instance/*", "${local.ec2}:*:launch-template/*"]
        Condition = { StringEquals = local.owned }
      },
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "ec2:DescribeAvailabilityZones", "ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeInstances",
          "ec2:DescribeInstanceStatus", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes",
          "ec2:DescribeLaunchTemplates", "ec2:DescribePlacementGroups", "ec2:DescribeSecurityGroups",
          "ec2:DescribeSpotPriceHistory", "ec2:DescribeSubnets",
        ]
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
      },
      { Sid = "Prices", Effect = "Allow", Action = "pricing:GetProducts", Resource = "*" },
      { Sid = "Images", Effect = "Allow", Action = "ssm:GetParameter", Resource = "arn:aws:ssm:${var.region}::parameter/aws/service/*" },
      { Sid = "Profile", Effect = "Allow", Action = "iam:GetInstanceProfile", Resource = aws_iam_instance_profile.node.arn },
      { Sid = "Profiles", Effect = "Allow", Action = "iam:ListInstanceProfiles", Resource = "*" },
      {
        Sid       = "NodeRole"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = aws_iam_role.node.arn
        Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
      },
      { Sid = "Cluster", Effect = "Allow", Action = "eks:DescribeCluster", Resource = aws_eks_cluster.this.arn },
      {
        Sid      = "Interruptions"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.interruptions.arn
      },
    ]
  })
}

resource "aws_eks_pod_identity_association" "karpenter" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "kube-system"
  service_account = "karpenter"
  role_arn        = aws_iam_role.karpenter.arn
}

# AWS tells two minutes ahead that a spot machine ends; Karpenter then drains it.
resource "aws_sqs_queue" "interruptions" {
  name                      = "${var.name}-interruptions"
  message_retention_seconds = 300
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "interruptions" {
  queue_url = aws_sqs_queue.interruptions.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = ["events.amazonaws.com"] }
        Action    = "sqs:SendMessage"
        Resource  = aws_sqs_queue.interruptions.arn
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
      {
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = aws_sqs_queue.interruptions.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "interruptions" {
  for_each      = local.interruptions
  name          = "${var.name}-${each.key}"
  event_pattern = jsonencode(each.value)
}

resource "aws_cloudwatch_event_target" "interruptions" {
  for_each = local.interruptions
  rule     = aws_cloudwatch_event_rule.interruptions[each.key].name
  arn      = aws_sqs_queue.interruptions.arn
}
