# The variables of infra/ take what they should and refuse the rest. tests/deploy/terraform puts this beside them, without the
# provider, which they do not need.

variables {
  name            = "lakehouse-test"
  region          = "eu-west-3"
  zones           = ["eu-west-3a", "eu-west-3b"]
  certificate_arn = "arn:aws:acm:eu-west-3:111122223333:certificate/0"
  log_bucket      = "logs"
}

run "the_least_that_must_be_said" {
  command = plan

  assert {
    condition     = var.protect && var.topology == "single" && var.database == "rds" && length(var.allowed_cidrs) == 0 && var.ssh_cidr == null
    error_message = "protected, one machine, RDS, closed to everybody"
  }
}

run "all_of_it" {
  command = plan
  variables {
    topology      = "split"
    machines      = { datamarts = 3 }
    database      = "vm"
    allowed_cidrs = ["192.0.2.0/24", "198.51.100.7/32"]
    ssh_cidr      = "192.0.2.0/28"
  }

  assert {
    condition     = var.machines.scoring == 2
    error_message = "what is not said has its default"
  }
}

run "refused_01_name" {
  command = plan
  variables {
    name = "Lake house"
  }
  expect_failures = [var.name]
}

run "refused_02_name" {
  command = plan
  variables {
    name = "x"
  }
  expect_failures = [var.name]
}

run "refused_03_region" {
  command = plan
  variables {
    region = "paris"
  }
  expect_failures = [var.region]
}

run "refused_04_zones" {
  command = plan
  variables {
    zones = ["eu-west-3a", "eu-west-3a"]
  }
  expect_failures = [var.zones]
}

run "refused_05_zones" {
  command = plan
  variables {
    zones = ["us-east-1a", "us-east-1b"]
  }
  expect_failures = [var.zones]
}

run "refused_06_topology" {
  command = plan
  variables {
    topology = "double"
  }
  expect_failures = [var.topology]
}

run "refused_07_machines" {
  command = plan
  variables {
    machines = { scoring = 0 }
  }
  expect_failures = [var.machines]
}

run "refused_08_machines" {
  command = plan
  variables {
    machines = { scoring = 1.5 }
  }
  expect_failures = [var.machines]
}

run "refused_09_instance_types" {
  command = plan
  variables {
    instance_types = { single = "big" }
  }
  expect_failures = [var.instance_types]
}

run "refused_10_disk_gib" {
  command = plan
  variables {
    disk_gib = 5
  }
  expect_failures = [var.disk_gib]
}

run "refused_11_database" {
  command = plan
  variables {
    database = "mysql"
  }
  expect_failures = [var.database]
}

run "refused_12_database_settings" {
  command = plan
  variables {
    database_settings = { retention_days = 1 }
  }
  expect_failures = [var.database_settings]
}

run "refused_13_network_cidr" {
  command = plan
  variables {
    network_cidr = "10.0.0.0/28"
  }
  expect_failures = [var.network_cidr]
}

run "refused_14_network_cidr" {
  command = plan
  variables {
    network_cidr = "everywhere"
  }
  expect_failures = [var.network_cidr]
}

run "refused_15_allowed_cidrs" {
  command = plan
  variables {
    allowed_cidrs = ["everybody"]
  }
  expect_failures = [var.allowed_cidrs]
}

run "refused_16_ssh_cidr" {
  command = plan
  variables {
    ssh_cidr = "0.0.0.0/0"
  }
  expect_failures = [var.ssh_cidr]
}

run "refused_17_certificate_arn" {
  command = plan
  variables {
    certificate_arn = "none"
  }
  expect_failures = [var.certificate_arn]
}

run "refused_18_internal_domain" {
  command = plan
  variables {
    internal_domain = "x y"
  }
  expect_failures = [var.internal_domain]
}
