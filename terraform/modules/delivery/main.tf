# Roles that GitHub's workflows take by OIDC: no key of AWS is kept on GitHub.
#
#   deploy  pushes images                                        environment ENV
#   plan    reads, and nothing else                              environment ENV-plan
#   apply   changes what Terraform keeps, within a boundary      environment ENV

data "aws_caller_identity" "current" {}

locals {
  issuer   = "token.actions.githubusercontent.com"
  account  = data.aws_caller_identity.current.account_id
  provider = "arn:aws:iam::${local.account}:oidc-provider/${local.issuer}"
  roles    = { deploy = var.environment, plan = "${var.environment}-plan", apply = var.environment }
  ours     = "arn:aws:iam::${local.account}"
}

resource "aws_iam_openid_connect_provider" "github" {
  count          = var.create_provider ? 1 : 0
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  for_each             = local.roles
  name                 = "${var.name}-github-${each.key}"
  max_session_duration = each.key == "apply" ? 7200 : 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "repo:${var.repository}:environment:${each.value}"
        }
      }
    }]
  })
  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "deploy" {
  name = "push"
  role = aws_iam_role.this["deploy"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Login", Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      {
        Sid    = "Push"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = var.repository_arns
      },
    ]
  })
}

# A plan compares everything, and so reads everything: also the versions of the secrets that Terraform made. Whoever may
# change a pull request of this repository may therefore read them; hence an environment of its own, and no forks.
resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.this["plan"].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  name = "secrets"
  role = aws_iam_role.this["plan"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "TerraformsOwn"
        Effect = "Allow"
        Action = "secretsmanager:GetSecretValue"
        Resource = [
          "arn:aws:secretsmanager:${var.region}:${local.account}:secret:${var.name}/*",
          "arn:aws:secretsmanager:${var.region}:${local.account}:secret:AmazonMSK_${var.name}-*",
        ]
      },
      {
        Sid       = "Decrypt"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = "arn:aws:kms:${var.region}:${local.account}:key/*"
        Condition = { StringEquals = { "kms:ViaService" = ["secretsmanager.${var.region}.amazonaws.com", "s3.${var.region}.amazonaws.com"] } }
      },
      # Files and backups are nobody's business here.
      {
        Sid         = "NoObjectsButTheState"
        Effect      = "Deny"
        Action      = ["s3:GetObject", "s3:GetObjectVersion"]
        NotResource = "arn:aws:s3:::${var.state_bucket}/*"
      },
    ]
  })
}
