# User names and passwords: made here, kept in Secrets Manager, brought into the cluster by External Secrets. They are in
# the state as well: whoever reads the state reads them.

locals {
  logins = {
    # MSK takes secrets of this prefix only.
    kafka     = "AmazonMSK_${var.name}-chat"
    redis     = "${var.name}/redis"
    cassandra = "${var.name}/cassandra"
  }
}

resource "random_password" "login" {
  for_each = local.logins
  length   = 48
  # ElastiCache refuses some, and none is needed: this is 285 bits.
  special = false
}

resource "aws_secretsmanager_secret" "login" {
  for_each                = local.logins
  name                    = each.value
  description             = "User name and password of ${var.name} for ${each.key}"
  kms_key_id              = aws_kms_key.data.arn
  recovery_window_in_days = var.protect ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "login" {
  for_each      = local.logins
  secret_id     = aws_secretsmanager_secret.login[each.key].id
  secret_string = jsonencode({ username = "chat", password = random_password.login[each.key].result })
}

resource "aws_msk_scram_secret_association" "this" {
  cluster_arn     = aws_msk_cluster.this.arn
  secret_arn_list = [aws_secretsmanager_secret.login["kafka"].arn]
  depends_on      = [aws_secretsmanager_secret_version.login]
}

resource "aws_iam_role" "secrets" {
  name                 = "${var.name}-secrets"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.pods
}

resource "aws_iam_role_policy" "secrets" {
  name = "read"
  role = aws_iam_role.secrets.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = [for secret in aws_secretsmanager_secret.login : secret.arn]
      },
      {
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = aws_kms_key.data.arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_eks_pod_identity_association" "secrets" {
  cluster_name    = var.cluster_name
  namespace       = "external-secrets"
  service_account = "external-secrets"
  role_arn        = aws_iam_role.secrets.arn
}
