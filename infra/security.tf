# Who may reach whom. Rules are single resources, so that a plan shows each one that changes.

resource "aws_security_group" "door" {
  name        = "${var.name}-door"
  description = "The load balancer: the one thing that is reached from outside"
  vpc_id      = aws_vpc.this.id
}

resource "aws_security_group" "machines" {
  name        = "${var.name}-machines"
  description = "The machines: reached from the load balancer and from each other's Prometheus"
  vpc_id      = aws_vpc.this.id
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "PostgreSQL: reached from the machines"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "door" {
  for_each = { for pair in setproduct(keys(module.shape.services), var.allowed_cidrs) : "${pair[0]} ${pair[1]}" => pair }

  security_group_id = aws_security_group.door.id
  description       = "${each.value[0]} for a named network"
  cidr_ipv4         = each.value[1]
  ip_protocol       = "tcp"
  from_port         = module.shape.services[each.value[0]].port
  to_port           = module.shape.services[each.value[0]].port
}

resource "aws_vpc_security_group_egress_rule" "door" {
  for_each = module.shape.services

  security_group_id            = aws_security_group.door.id
  description                  = "${each.key}, at the gateways"
  referenced_security_group_id = aws_security_group.machines.id
  ip_protocol                  = "tcp"
  from_port                    = each.value.gateway_port
  to_port                      = each.value.gateway_port
}

resource "aws_vpc_security_group_ingress_rule" "gateways" {
  for_each = module.shape.services

  security_group_id            = aws_security_group.machines.id
  description                  = "${each.key} from the load balancer"
  referenced_security_group_id = aws_security_group.door.id
  ip_protocol                  = "tcp"
  from_port                    = each.value.gateway_port
  to_port                      = each.value.gateway_port
}

resource "aws_vpc_security_group_ingress_rule" "scraped" {
  for_each = toset(module.shape.scraped_ports)

  security_group_id            = aws_security_group.machines.id
  description                  = "Metrics, for the Prometheus of the pipeline's machine"
  referenced_security_group_id = aws_security_group.machines.id
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value)
  to_port                      = tonumber(each.value)
}

resource "aws_vpc_security_group_egress_rule" "scraped" {
  for_each = toset(module.shape.scraped_ports)

  security_group_id            = aws_security_group.machines.id
  description                  = "Metrics, for the Prometheus of the pipeline's machine"
  referenced_security_group_id = aws_security_group.machines.id
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value)
  to_port                      = tonumber(each.value)
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  for_each = toset(local.ssh_cidrs)

  security_group_id = aws_security_group.machines.id
  description       = "SSH from a named network"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

# Session Manager, the store, packages: all of them speak TLS.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.machines.id
  description       = "TLS to AWS and to package servers"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

locals {
  # With PostgreSQL on a machine, the machines ask one of their own.
  database_group = local.is_rds ? aws_security_group.database.id : aws_security_group.machines.id
}

resource "aws_vpc_security_group_egress_rule" "database" {
  security_group_id            = aws_security_group.machines.id
  description                  = "PostgreSQL"
  referenced_security_group_id = local.database_group
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = local.database_group
  description                  = "PostgreSQL from the machines"
  referenced_security_group_id = aws_security_group.machines.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
