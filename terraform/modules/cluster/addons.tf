# What EKS itself keeps: the network, DNS, credentials of pods and volumes.

locals {
  before_nodes = {
    "vpc-cni" = jsonencode({
      # The charts' NetworkPolicies mean nothing unless somebody enforces them.
      enableNetworkPolicy = "true"
      env = {
        # /28 prefixes: pods per node are then bound by memory, not by network interfaces.
        ENABLE_PREFIX_DELEGATION = "true"
        WARM_PREFIX_TARGET       = "1"
      }
    })
    "kube-proxy"             = jsonencode({})
    "eks-pod-identity-agent" = jsonencode({})
  }
}

resource "aws_eks_addon" "before_nodes" {
  for_each                    = local.before_nodes
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  configuration_values        = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  dynamic "pod_identity_association" {
    for_each = each.key == "vpc-cni" ? [1] : []
    content {
      service_account = "aws-node"
      role_arn        = aws_iam_role.addon["cni"].arn
    }
  }
}

resource "aws_eks_addon" "coredns" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "coredns"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  depends_on                  = [aws_eks_node_group.system]
}

resource "aws_eks_addon" "ebs" {
  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = "aws-ebs-csi-driver"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  pod_identity_association {
    service_account = "ebs-csi-controller-sa"
    role_arn        = aws_iam_role.addon["ebs"].arn
  }

  depends_on = [aws_eks_node_group.system]
}

resource "aws_iam_role" "addon" {
  for_each             = toset(["cni", "ebs"])
  name                 = "${var.name}-${each.key}"
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

resource "aws_iam_role_policy_attachment" "addon" {
  for_each = {
    cni = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
    ebs = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
  }
  role       = aws_iam_role.addon[each.key].name
  policy_arn = each.value
}

# Volumes are encrypted with the cluster's own key.
resource "aws_iam_role_policy" "volumes" {
  name = "volumes-key"
  role = aws_iam_role.addon["ebs"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
        Resource = aws_kms_key.secrets.arn
      },
      {
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = aws_kms_key.secrets.arn
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
    ]
  })
}
