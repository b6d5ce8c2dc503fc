mock_provider "helm" {}

variables {
  cluster = {
    name                  = "chat-test"
    region                = "eu-central-1"
    zones                 = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    vpc_id                = "vpc-1"
    security_group_id     = "sg-1"
    node_instance_profile = "chat-test-node"
    volumes_key_arn       = "arn:aws:kms:eu-central-1:111122223333:key/1"
    interruption_queue    = "chat-test-interruptions"
  }
  operator     = { charts = "oci://registry.example.com/chat-test/charts", images = "registry.example.com/chat-test", version = "0.1.0" }
  namespaces   = ["team-b", "team-a"]
  secret_names = { kafka = "AmazonMSK_chat-test-chat", redis = "chat-test/redis", cassandra = "chat-test/cassandra" }
  cassandra    = { backups_bucket = "chat-test-backups-111122223333" }
}

# Plans only: the definitions have prevent_destroy, and a test takes down what it applied.
run "what_the_platform_is_told" {
  command = plan
  assert {
    condition     = yamldecode(helm_release.platform.values[0]).namespaces == ["team-a", "team-b"] && yamldecode(helm_release.platform.values[0]).secrets.kafka == "AmazonMSK_chat-test-chat"
    error_message = "credentials for each namespace"
  }
  assert {
    condition     = yamldecode(helm_release.platform.values[0]).spot.gateways == false && yamldecode(helm_release.platform.values[0]).spot.writers
    error_message = "gateways are on demand unless one says otherwise"
  }
  assert {
    condition     = yamldecode(helm_release.operator.values[0]).image == { repository = "registry.example.com/chat-test/operator", tag = "0.1.0" }
    error_message = "the operator's image is the registry's, of the charts' version"
  }
  assert {
    condition     = helm_release.operator.chart == "elastic-chat-operator" && helm_release.operator.repository == "oci://registry.example.com/chat-test/charts"
    error_message = "from the registry"
  }
}

run "charts_from_a_folder" {
  command = plan
  variables {
    operator = { charts = "../../../charts", images = "registry.example.com/chat-test", version = "0.1.0" }
  }
  assert {
    condition     = helm_release.operator.chart == "../../../charts/elastic-chat-operator"
    error_message = "the path is the chart's"
  }
}

run "a_version_that_moves_is_refused" {
  command = plan
  variables {
    operator = { charts = "../../../charts", images = "registry.example.com/chat-test", version = "latest" }
  }
  expect_failures = [var.operator]
}

run "charts_from_an_address_that_is_none_are_refused" {
  command = plan
  variables {
    operator = { charts = "https://example.com/charts", images = "registry.example.com/chat-test", version = "0.1.0" }
  }
  expect_failures = [var.operator]
}

run "two_nodes_of_cassandra_are_refused" {
  command = plan
  variables {
    cassandra = { backups_bucket = "x", nodes = 2 }
  }
  expect_failures = [var.cassandra]
}

run "a_heap_without_a_page_cache_is_refused" {
  command = plan
  variables {
    cassandra = { backups_bucket = "x", heap_gib = 12, memory_gib = 16 }
  }
  expect_failures = [var.cassandra]
}

run "ranges_of_versions_are_refused" {
  command = plan
  variables {
    versions = { karpenter = "~> 1.8" }
  }
  expect_failures = [var.versions]
}

run "namespaces_of_kubernetes_are_refused" {
  command = plan
  variables {
    namespaces = ["kube-system"]
  }
  expect_failures = [var.namespaces]
}
