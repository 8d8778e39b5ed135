# Names inside the network: what one machine calls another, and the database.

resource "aws_route53_zone" "inside" {
  # checkov:skip=CKV2_AWS_38:A private zone is not signed
  # checkov:skip=CKV2_AWS_39:Queries of a private zone are logged by the resolver of the network, if the account wants that
  name = var.internal_domain

  vpc {
    vpc_id = aws_vpc.this.id
  }
}

resource "aws_route53_record" "machine" {
  for_each = aws_instance.this

  zone_id = aws_route53_zone.inside.zone_id
  name    = each.key
  type    = "A"
  ttl     = 60
  records = [each.value.private_ip]
}

resource "aws_route53_record" "database" {
  zone_id = aws_route53_zone.inside.zone_id
  name    = "database"
  type    = "CNAME"
  ttl     = 60
  records = local.is_rds ? aws_db_instance.this[*].address : [
    for name, machine in module.shape.machines : "${name}.${var.internal_domain}" if machine.is_database
  ]
}
