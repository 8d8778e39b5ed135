# What there is to be, decided from values alone: machines, who does what on which, who may reach whom, which subnets. It names no
# provider, so its tests run anywhere: `terraform -chdir=infra/shape init && terraform -chdir=infra/shape test`.

terraform {
  required_version = ">= 1.8"
}

variable "topology" {
  description = "single or split."
  type        = string
}

variable "machines" {
  description = "How many of each kind when split."
  type        = object({ datamarts = number, scoring = number })
}

variable "instance_types" {
  description = "The instance type of each kind."
  type        = map(string)
}

variable "database" {
  description = "rds or vm."
  type        = string
}

variable "network_cidr" {
  description = "The network that the subnets are cut from."
  type        = string
}

variable "zones" {
  description = "The two zones to use."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 2
    error_message = "A load balancer needs two zones."
  }
}

locals {
  # A kind of machine → what runs there. The scheduler reads what the sources API receives, so they share a disk.
  tasks = {
    single    = ["api", "sources", "ml", "scheduler", "monitoring"]
    pipeline  = ["sources", "scheduler", "monitoring"]
    datamarts = ["api"]
    scoring   = ["ml"]
  }
  counts = var.topology == "single" ? { single = 1 } : merge({ pipeline = 1 }, var.machines)

  machines = merge([
    for kind, count in local.counts : {
      for number in range(count) : (count == 1 ? kind : "${kind}-${number + 1}") => {
        kind          = kind
        instance_type = var.instance_types[kind]
        tasks         = local.tasks[kind]
        zone          = var.zones[number % length(var.zones)]
        is_database   = var.database == "vm" && contains(local.tasks[kind], "scheduler")
      }
    }
  ]...)

  # What clients call; the gateway of a machine listens at ten thousand more than the program behind it.
  services = {
    api     = { port = 9999, gateway_port = 19999, health = "/health/ready" }
    sources = { port = 9998, gateway_port = 19998, health = "/health/ready" }
    ml      = { port = 9997, gateway_port = 19997, health = "/health/live" }
  }
  scraped = merge({ for name, service in local.services : name => service.gateway_port }, { scheduler = 18000, host = 19100 })
}

output "machines" {
  description = "Name → kind, type, tasks, zone, whether PostgreSQL is there."
  value       = local.machines
}

output "services" {
  description = "What the load balancer offers → ports, and the machines behind it."
  value = {
    for name, service in local.services : name => merge(service, {
      machines = sort([for machine, is in local.machines : machine if contains(is.tasks, name)])
    })
  }
}

output "scraped_ports" {
  description = "The gateway ports that Prometheus asks."
  value       = sort([for port in values(local.scraped) : tostring(port)])
}

output "public_subnets" {
  description = "Zone → network, for the load balancer and the way out."
  value       = { for index, zone in var.zones : zone => cidrsubnet(var.network_cidr, 4, index) }
}

output "private_subnets" {
  description = "Zone → network, for machines and the database."
  value       = { for index, zone in var.zones : zone => cidrsubnet(var.network_cidr, 4, index + 8) }
}
