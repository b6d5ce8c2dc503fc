# Files of the chats, and backups of Cassandra.

locals {
  buckets = {
    files   = "${var.name}-files-${data.aws_caller_identity.current.account_id}"
    backups = "${var.name}-backups-${data.aws_caller_identity.current.account_id}"
  }
}

resource "aws_s3_bucket" "this" {
  for_each      = local.buckets
  bucket        = each.value
  force_destroy = !var.protect
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.data.arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id

  rule {
    id     = "unfinished"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  # What was deleted can be brought back for 30 days; for longer than that a chat does not keep what people deleted.
  rule {
    id     = "deleted"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    expiration {
      expired_object_delete_marker = true
    }
  }

  rule {
    id     = "cold"
    status = "Enabled"
    filter {}
    transition {
      days          = each.key == "files" ? var.file_days_until_cold : 30
      storage_class = each.key == "files" ? "INTELLIGENT_TIERING" : "STANDARD_IA"
    }
  }
}

resource "aws_s3_bucket_policy" "tls" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::${each.value}", "arn:aws:s3:::${each.value}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.this]
}

# Gateways get and put files; Medusa gets and puts backups.
resource "aws_iam_role" "bucket" {
  for_each             = local.buckets
  name                 = "${var.name}-${each.key}"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.pods
}

resource "aws_iam_role_policy" "bucket" {
  for_each = local.buckets
  name     = "objects"
  role     = aws_iam_role.bucket[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = "arn:aws:s3:::${each.value}/*"
      },
      { Effect = "Allow", Action = ["s3:ListBucket", "s3:GetBucketLocation"], Resource = "arn:aws:s3:::${each.value}" },
      {
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = aws_kms_key.data.arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_eks_pod_identity_association" "gateways" {
  for_each        = { for chat in var.chats : "${chat.namespace}/${chat.name}" => chat }
  cluster_name    = var.cluster_name
  namespace       = each.value.namespace
  service_account = "${each.value.name}-gateway"
  role_arn        = aws_iam_role.bucket["files"].arn
}

# K8ssandra's pods run under this account (the chart `platform` says so).
resource "aws_eks_pod_identity_association" "cassandra" {
  cluster_name    = var.cluster_name
  namespace       = "cassandra"
  service_account = "cassandra"
  role_arn        = aws_iam_role.bucket["backups"].arn
}
