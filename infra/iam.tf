# A role in place of keys: the programs find it by themselves. It may use this lake and this deployment's secrets.

data "aws_iam_policy_document" "assumed_by_machines" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "machines" {
  name_prefix        = "${var.name}-machines-"
  assume_role_policy = data.aws_iam_policy_document.assumed_by_machines.json
}

resource "aws_iam_instance_profile" "machines" {
  name_prefix = "${var.name}-machines-"
  role        = aws_iam_role.machines.name
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  role       = aws_iam_role.machines.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

data "aws_iam_policy_document" "machines" {
  statement {
    sid       = "ListTheLake"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"]
    resources = [aws_s3_bucket.lake.arn]
  }

  statement {
    sid       = "UseTheLake"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.lake.arn}/*"]
  }

  statement {
    sid       = "WithItsKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }

  dynamic "statement" {
    for_each = aws_db_instance.this[*].master_user_secret[0].secret_arn

    content {
      sid       = "ThePasswordOfTheDatabase"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "machines" {
  name_prefix = "lake-"
  role        = aws_iam_role.machines.id
  policy      = data.aws_iam_policy_document.machines.json
}

# The flow log of the network.

data "aws_iam_policy_document" "assumed_by_flow_logs" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "flow" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    resources = ["${aws_cloudwatch_log_group.flow.arn}:*"]
  }
}

resource "aws_iam_role" "flow" {
  name_prefix        = "${var.name}-flow-"
  assume_role_policy = data.aws_iam_policy_document.assumed_by_flow_logs.json
}

resource "aws_iam_role_policy" "flow" {
  name_prefix = "flow-"
  role        = aws_iam_role.flow.id
  policy      = data.aws_iam_policy_document.flow.json
}
