# What there is to be; the other files make it.

data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

module "shape" {
  source = "./shape"

  topology       = var.topology
  machines       = var.machines
  instance_types = var.instance_types
  database       = var.database
  network_cidr   = var.network_cidr
  zones          = var.zones
}

locals {
  is_rds    = var.database == "rds"
  ssh_cidrs = var.ssh_cidr == null ? [] : [var.ssh_cidr]
  partition = data.aws_partition.here.partition
}
