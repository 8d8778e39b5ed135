variable "name" {
  description = "What everything is called: 3 to 24 lower-case letters, digits and hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "A name has 3 to 24 lower-case letters, digits and hyphens, and starts with a letter."
  }
}

variable "region" {
  description = "The AWS region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "That is no AWS region, such as eu-west-3."
  }
}

variable "zones" {
  description = "Two zones of the region. They are named, so that a zone that AWS adds moves nothing."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) == 2 && length(distinct(var.zones)) == 2 && alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "Name two different zones of the region, such as eu-west-3a and eu-west-3b."
  }
}

variable "topology" {
  description = "One machine for everything (single), or one kind of machine per task (split)."
  type        = string
  default     = "single"
  nullable    = false

  validation {
    condition     = contains(["single", "split"], var.topology)
    error_message = "The topology is single or split."
  }
}

variable "machines" {
  description = "How many machines answer SQL and how many score, when the topology is split; the pipeline has one."
  type = object({
    datamarts = optional(number, 1)
    scoring   = optional(number, 2)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for count in values(var.machines) : count >= 1 && count <= 8 && floor(count) == count])
    error_message = "Of each kind there are 1 to 8."
  }
}

variable "instance_types" {
  description = "The machine of each kind. `single` is the one of a topology of one."
  type = object({
    single    = optional(string, "m7i.xlarge")
    pipeline  = optional(string, "m7i.xlarge")
    datamarts = optional(string, "m7i.large")
    scoring   = optional(string, "c7i.large")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for type in values(var.instance_types) : can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9]+$", type))])
    error_message = "An instance type looks like m7i.large."
  }
}

variable "disk_gib" {
  description = "The disk of each machine in GiB: what queries spill, and the log. The lake is in the bucket."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.disk_gib >= 20 && var.disk_gib <= 2000
    error_message = "A disk has 20 to 2000 GiB."
  }
}

variable "database" {
  description = "Where runs and published datamarts are: RDS, or on the machine of the pipeline (vm), in the containers that it runs."
  type        = string
  default     = "rds"
  nullable    = false

  validation {
    condition     = contains(["rds", "vm"], var.database)
    error_message = "The database is rds or vm."
  }
}

variable "database_settings" {
  description = "What RDS is made of: class, GiB, a standby in another zone, days that backups are kept."
  type = object({
    class          = optional(string, "db.t4g.medium")
    gib            = optional(number, 20)
    multi_az       = optional(bool, true)
    retention_days = optional(number, 14)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.database_settings.gib >= 20 && var.database_settings.retention_days >= 7 && var.database_settings.retention_days <= 35
    error_message = "RDS has 20 GiB or more and keeps backups for 7 to 35 days."
  }
}

variable "network_cidr" {
  description = "The addresses of the network, a /16 to /20."
  type        = string
  default     = "10.20.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.network_cidr, 0)) && try(tonumber(split("/", var.network_cidr)[1]) >= 16 && tonumber(split("/", var.network_cidr)[1]) <= 20, false)
    error_message = "That is no IPv4 network between /16 and /20."
  }
}

variable "allowed_cidrs" {
  description = "Who may reach the load balancer. Nobody by default."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Each is a network such as 192.0.2.0/24."
  }
}

variable "ssh_cidr" {
  description = "A network that may use SSH, for Ansible without Session Manager. Null means that nobody may: Session Manager needs no open port."
  type        = string
  default     = null

  validation {
    condition     = var.ssh_cidr == null || try(tonumber(split("/", var.ssh_cidr)[1]) >= 16 && can(cidrhost(var.ssh_cidr, 0)), false)
    error_message = "SSH is for a named network of a /16 or smaller, never for everybody."
  }
}

variable "ssh_public_key" {
  description = "The public key that Ansible uses, when ssh_cidr is set."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "The certificate of the load balancer, in ACM, in this region."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "That is no certificate of ACM."
  }
}

variable "internal_domain" {
  description = "The private zone in which machines and database have names."
  type        = string
  default     = "lakehouse.internal"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.internal_domain))
    error_message = "That is no domain name."
  }
}

variable "log_bucket" {
  description = "A bucket that takes the access logs of the load balancer and of the lake; it must be there and let them write."
  type        = string
  nullable    = false
}

variable "protect" {
  description = "Refuse to destroy the lake, the database and the load balancer. `deploy.sh destroy` asks to set it to false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of everything, such as an owner and a cost centre."
  type        = map(string)
  default     = {}
  nullable    = false
}
