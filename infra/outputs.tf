output "urls" {
  description = "What clients call, by service. The certificate has to be good for this name, or for one of yours that points here."
  value       = { for name, service in module.shape.services : name => "https://${aws_lb.this.dns_name}:${service.port}" }
}

output "lake" {
  description = "The URI of the lake."
  value       = "s3://${aws_s3_bucket.lake.bucket}/tables"
}

output "region" {
  description = "The region."
  value       = var.region
}

output "database" {
  description = "Where PostgreSQL is, and the secret that has its password; the secret is null when it is on a machine."
  value = {
    host       = "database.${var.internal_domain}"
    secret_arn = one(aws_db_instance.this[*].master_user_secret[0].secret_arn)
  }
}

output "machines" {
  description = "The machines, for the inventory of Ansible: name → id, address, tasks."
  value = {
    for name, machine in module.shape.machines : name => {
      id          = aws_instance.this[name].id
      address     = aws_instance.this[name].private_ip
      name        = "${name}.${var.internal_domain}"
      tasks       = machine.tasks
      is_database = machine.is_database
    }
  }
}

output "connection" {
  description = "How Ansible gets in: aws_ssm, or ssh from the named network."
  value       = var.ssh_cidr == null ? "aws_ssm" : "ssh"
}
