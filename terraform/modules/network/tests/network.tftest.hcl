mock_provider "aws" {}

# An id of its own: mocks may give the same to all.
override_resource {
  target = aws_route_table.data
  values = { id = "rtb-data" }
}

variables {
  permissions_boundary_arn = "arn:aws:iam::111122223333:policy/chat-test-boundary"
  name                     = "chat-test"
  region                   = "eu-central-1"
  zones                    = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

run "a_way_out_in_every_zone" {
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.private) == 3
    error_message = "each zone needs a NAT gateway of its own"
  }
  assert {
    condition     = aws_subnet.private["eu-central-1b"].cidr_block == "10.64.32.0/19"
    error_message = "private subnets are /19"
  }
  assert {
    condition     = length(distinct(concat(values(aws_subnet.private)[*].cidr_block, values(aws_subnet.public)[*].cidr_block, values(aws_subnet.data)[*].cidr_block))) == 9
    error_message = "no two subnets may share addresses"
  }
  assert {
    condition     = alltrue([for route in aws_route.private : route.route_table_id != aws_route_table.data.id])
    error_message = "the subnets of the data lead nowhere"
  }
  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0
    error_message = "the default security group lets nobody in"
  }
}

run "one_way_out_for_all" {
  variables {
    nat_gateways = "single"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.private) == 3
    error_message = "all zones share one NAT gateway"
  }
}

run "two_zones_are_refused" {
  command = plan
  variables {
    zones = ["eu-central-1a", "eu-central-1b"]
  }
  expect_failures = [var.zones]
}

run "zones_of_another_region_are_refused" {
  command = plan
  variables {
    zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  }
  expect_failures = [var.zones]
}

run "small_networks_are_refused" {
  command = plan
  variables {
    cidr = "10.64.0.0/20"
  }
  expect_failures = [var.cidr]
}

run "public_addresses_are_refused" {
  command = plan
  variables {
    cidr = "52.1.0.0/16"
  }
  expect_failures = [var.cidr]
}

run "names_that_do_not_fit_are_refused" {
  command = plan
  variables {
    name = "Chat_Production"
  }
  expect_failures = [var.name]
}
