# PostgreSQL of its own, unless it is on a machine. Its password is made and renewed by AWS; it is in no file and no state.

resource "aws_db_subnet_group" "this" {
  count = local.is_rds ? 1 : 0

  name_prefix = "${var.name}-"
  subnet_ids  = [for subnet in aws_subnet.private : subnet.id]
}

resource "aws_db_parameter_group" "this" {
  count = local.is_rds ? 1 : 0

  name_prefix = "${var.name}-"
  family      = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  lifecycle {
    create_before_destroy = true
  }
}

data "aws_iam_policy_document" "assumed_by_monitoring" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "monitoring" {
  count = local.is_rds ? 1 : 0

  name_prefix        = "${var.name}-rds-"
  assume_role_policy = data.aws_iam_policy_document.assumed_by_monitoring.json
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  count = local.is_rds ? 1 : 0

  role       = aws_iam_role.monitoring[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_133:7 to 35 days, by the validation of database_settings; 14 unless it says otherwise
  # checkov:skip=CKV_AWS_157:It has a standby unless database_settings says otherwise
  count = local.is_rds ? 1 : 0

  identifier_prefix      = "${var.name}-"
  engine                 = "postgres"
  engine_version         = "17"
  instance_class         = var.database_settings.class
  db_name                = "lakehouse"
  username               = "lakehouse"
  db_subnet_group_name   = aws_db_subnet_group.this[0].name
  vpc_security_group_ids = [aws_security_group.database.id]
  parameter_group_name   = aws_db_parameter_group.this[0].name
  multi_az               = var.database_settings.multi_az
  publicly_accessible    = false
  network_type           = "IPV4"

  manage_master_user_password         = true
  master_user_secret_kms_key_id       = aws_kms_key.this.key_id
  iam_database_authentication_enabled = true

  allocated_storage     = var.database_settings.gib
  max_allocated_storage = var.database_settings.gib * 5
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.this.arn

  backup_retention_period   = var.database_settings.retention_days
  backup_window             = "02:00-03:00"
  maintenance_window        = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot     = true
  deletion_protection       = var.protect
  skip_final_snapshot       = !var.protect
  final_snapshot_identifier = "${var.name}-last"

  auto_minor_version_upgrade      = true
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring[0].arn
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.this.arn
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
}
