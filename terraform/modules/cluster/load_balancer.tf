# The rights of the AWS Load Balancer Controller: load balancers that carry this cluster's tag. It comes with the add-ons.

locals {
  elb        = "arn:aws:elasticloadbalancing:${var.region}:${data.aws_caller_identity.current.account_id}"
  balancers  = ["${local.elb}:loadbalancer/*", "${local.elb}:targetgroup/*", "${local.elb}:listener/*", "${local.elb}:listener-rule/*"]
  groups     = "arn:aws:ec2:${var.region}:${data.aws_caller_identity.current.account_id}:security-group/*"
  tagged     = { StringEquals = { "aws:ResourceTag/elbv2.k8s.aws/cluster" = var.name } }
  to_be_made = { StringEquals = { "aws:RequestTag/elbv2.k8s.aws/cluster" = var.name } }
}

resource "aws_iam_role" "load_balancers" {
  name                 = "${var.name}-load-balancers"
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

resource "aws_iam_role_policy" "load_balancers" {
  name = "load-balancers"
  role = aws_iam_role.load_balancers.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Look"
        Effect   = "Allow"
        Action   = ["ec2:Describe*", "ec2:GetSecurityGroupsForVpc", "elasticloadbalancing:Describe*", "acm:ListCertificates", "acm:DescribeCertificate"]
        Resource = "*"
      },
      {
        Sid       = "Make"
        Effect    = "Allow"
        Action    = ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateRule"]
        Resource  = "*"
        Condition = local.to_be_made
      },
      {
        Sid       = "TagWhatIsMade"
        Effect    = "Allow"
        Action    = "elasticloadbalancing:AddTags"
        Resource  = local.balancers
        Condition = { StringEquals = { "elasticloadbalancing:CreateAction" = ["CreateLoadBalancer", "CreateTargetGroup", "CreateListener", "CreateRule"], "aws:RequestTag/elbv2.k8s.aws/cluster" = var.name } }
      },
      {
        Sid    = "Change"
        Effect = "Allow"
        Action = [
          "elasticloadbalancing:AddTags", "elasticloadbalancing:Delete*", "elasticloadbalancing:Modify*", "elasticloadbalancing:RemoveTags",
          "elasticloadbalancing:Set*", "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets",
          "elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:RemoveListenerCertificates",
        ]
        Resource  = local.balancers
        Condition = local.tagged
      },
      { Sid = "MakeGroup", Effect = "Allow", Action = "ec2:CreateSecurityGroup", Resource = local.groups, Condition = local.to_be_made },
      { Sid = "MakeGroupIn", Effect = "Allow", Action = "ec2:CreateSecurityGroup", Resource = "arn:aws:ec2:${var.region}:${data.aws_caller_identity.current.account_id}:vpc/*" },
      {
        Sid       = "TagGroup"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = local.groups
        Condition = { StringEquals = { "ec2:CreateAction" = "CreateSecurityGroup", "aws:RequestTag/elbv2.k8s.aws/cluster" = var.name } }
      },
      {
        Sid       = "ChangeGroup"
        Effect    = "Allow"
        Action    = ["ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags", "ec2:DeleteSecurityGroup", "ec2:DeleteTags", "ec2:RevokeSecurityGroupIngress"]
        Resource  = local.groups
        Condition = local.tagged
      },
      {
        # It lets its load balancers reach the pods, by a rule in the nodes' group.
        Sid       = "NodesGroup"
        Effect    = "Allow"
        Action    = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
        Resource  = local.groups
        Condition = { StringEquals = { "aws:ResourceTag/aws:eks:cluster-name" = var.name } }
      },
      {
        Sid       = "ServiceRole"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "*"
        Condition = { StringEquals = { "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_eks_pod_identity_association" "load_balancers" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "kube-system"
  service_account = "aws-load-balancer-controller"
  role_arn        = aws_iam_role.load_balancers.arn
}
