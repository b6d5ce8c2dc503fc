# One key for all that is kept here. SCRAM secrets must have a key of the customer's anyway: MSK refuses AWS's own.

data "aws_caller_identity" "current" {}

resource "aws_kms_key" "data" {
  description             = "Kafka, Valkey, files and credentials of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  tags                    = { Name = "${var.name}-data" }
}

resource "aws_kms_alias" "data" {
  name          = "alias/${var.name}-data"
  target_key_id = aws_kms_key.data.key_id
}

locals {
  # Roles that pods take by EKS Pod Identity.
  pods = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}
