variables {
  topology       = "single"
  machines       = { datamarts = 1, scoring = 2 }
  instance_types = { single = "m7i.xlarge", pipeline = "m7i.xlarge", datamarts = "m7i.large", scoring = "c7i.large" }
  database       = "rds"
  network_cidr   = "10.20.0.0/16"
  zones          = ["eu-west-3a", "eu-west-3b"]
}

run "one_machine_does_everything" {
  command = plan

  assert {
    condition     = keys(output.machines) == ["single"] && length(output.machines["single"].tasks) == 5
    error_message = "one machine, five tasks"
  }
  assert {
    condition     = alltrue([for service in output.services : service.machines == tolist(["single"])])
    error_message = "the load balancer finds every service on it"
  }
  assert {
    condition     = !output.machines["single"].is_database
    error_message = "the database is RDS"
  }
}

run "split_has_a_kind_per_task_over_two_zones" {
  command = plan
  variables {
    topology = "split"
    machines = { datamarts = 2, scoring = 3 }
    database = "vm"
  }

  assert {
    condition     = toset(keys(output.machines)) == toset(["pipeline", "datamarts-1", "datamarts-2", "scoring-1", "scoring-2", "scoring-3"])
    error_message = "one pipeline, two for SQL, three that score"
  }
  assert {
    condition     = length(output.services["ml"].machines) == 3 && output.services["sources"].machines == tolist(["pipeline"])
    error_message = "each service is found where it runs"
  }
  assert {
    condition     = [for name, machine in output.machines : name if contains(machine.tasks, "scheduler")] == ["pipeline"]
    error_message = "one scheduler"
  }
  assert {
    condition     = [for name, machine in output.machines : name if machine.is_database] == ["pipeline"]
    error_message = "PostgreSQL is where the scheduler is"
  }
  assert {
    condition     = output.machines["scoring-1"].zone != output.machines["scoring-2"].zone
    error_message = "machines of a kind are in different zones"
  }
}

run "subnets_do_not_overlap" {
  command = plan

  assert {
    condition     = length(distinct(concat(values(output.public_subnets), values(output.private_subnets)))) == 4
    error_message = "four networks"
  }
  assert {
    condition     = values(output.public_subnets) == ["10.20.0.0/20", "10.20.16.0/20"] && values(output.private_subnets) == ["10.20.128.0/20", "10.20.144.0/20"]
    error_message = "public ones in the lower half, private ones in the upper"
  }
}

run "machines_are_only_in_zones_that_have_subnets" {
  command = plan
  variables {
    topology = "split"
    machines = { datamarts = 8, scoring = 8 }
  }

  assert {
    condition     = length(setsubtract([for machine in output.machines : machine.zone], keys(output.private_subnets))) == 0
    error_message = "a machine needs a subnet"
  }
}

run "one_zone_is_refused" {
  command = plan
  variables {
    zones = ["eu-west-3a"]
  }
  expect_failures = [var.zones]
}
