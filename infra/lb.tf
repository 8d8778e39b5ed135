# The door: TLS outside, TLS again to the gateway of a machine, which asks for a password.

resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_28:Only named networks reach it, and every path asks for a password; a web firewall is the account's decision
  name_prefix                = substr(var.name, 0, 6)
  load_balancer_type         = "application"
  internal                   = false
  security_groups            = [aws_security_group.door.id]
  subnets                    = [for subnet in aws_subnet.public : subnet.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.protect
  # Uploads stall for longer than a page does.
  idle_timeout = 300

  access_logs {
    bucket  = var.log_bucket
    prefix  = "${var.name}-door"
    enabled = true
  }
}

resource "aws_lb_target_group" "this" {
  for_each = module.shape.services

  name                 = "${var.name}-${each.key}"
  port                 = each.value.gateway_port
  protocol             = "HTTPS"
  vpc_id               = aws_vpc.this.id
  deregistration_delay = 45

  health_check {
    protocol            = "HTTPS"
    path                = "/health/live"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_target_group_attachment" "this" {
  for_each = merge([
    for name, service in module.shape.services : {
      for machine in service.machines : "${name} ${machine}" => { service = name, machine = machine }
    }
  ]...)

  target_group_arn = aws_lb_target_group.this[each.value.service].arn
  target_id        = aws_instance.this[each.value.machine].id
}

resource "aws_lb_listener" "this" {
  for_each = module.shape.services

  load_balancer_arn = aws_lb.this.arn
  port              = each.value.port
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
}
