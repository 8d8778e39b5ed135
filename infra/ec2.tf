# The machines. Debian, as the programs are built for it; Ansible does the rest.

data "aws_ami" "debian" {
  most_recent = true
  # Debian's own account.
  owners = ["136693071363"]

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }

  filter {
    name   = "virtualization-type"
    values = ["hvm"]
  }
}

resource "aws_key_pair" "ansible" {
  count = var.ssh_cidr != null && var.ssh_public_key != null ? 1 : 0

  key_name_prefix = "${var.name}-"
  public_key      = var.ssh_public_key
}

resource "aws_instance" "this" {
  for_each = module.shape.machines

  ami                    = data.aws_ami.debian.id
  instance_type          = each.value.instance_type
  subnet_id              = aws_subnet.private[each.value.zone].id
  vpc_security_group_ids = [aws_security_group.machines.id]
  iam_instance_profile   = aws_iam_instance_profile.machines.name
  key_name               = one(aws_key_pair.ansible[*].key_name)
  monitoring             = true
  ebs_optimized          = true

  # Only the host itself reaches the role: an answer dies at the first hop, so no container gets it by accident.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    kms_key_id  = aws_kms_key.this.arn
    volume_type = "gp3"
    volume_size = var.disk_gib
  }

  # Debian's image has no agent of Session Manager: it is fetched from the region's own bucket.
  user_data_replace_on_change = false
  user_data                   = <<-EOT
    #!/bin/sh
    set -eu
    apt-get update
    apt-get install --yes curl python3
    curl --fail --silent --show-error --output /tmp/agent.deb \
      https://s3.${var.region}.amazonaws.com/amazon-ssm-${var.region}/latest/debian_amd64/amazon-ssm-agent.deb
    dpkg --install /tmp/agent.deb && rm /tmp/agent.deb
    systemctl enable --now amazon-ssm-agent
  EOT

  tags        = { Name = "${var.name}-${each.key}", Kind = each.value.kind }
  volume_tags = { Name = "${var.name}-${each.key}", Backup = var.name }

  lifecycle {
    # A newer image is taken when a machine is made anew, not under a running one.
    ignore_changes = [ami, user_data]
  }
}
