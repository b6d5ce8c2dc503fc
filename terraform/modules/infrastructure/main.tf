# An environment in AWS, put together. What runs in its cluster is another root: it needs the cluster to be there.

locals {
  protect = var.environment == "prod"
}

module "registry" {
  source  = "../registry"
  name    = var.name
  protect = local.protect
}

module "delivery" {
  source          = "../delivery"
  name            = var.name
  region          = var.region
  environment     = var.environment
  repository      = var.repository
  repository_arns = module.registry.repository_arns
  state_bucket    = var.state_bucket
  create_provider = var.create_oidc_provider
}

module "network" {
  source                   = "../network"
  name                     = var.name
  region                   = var.region
  zones                    = var.zones
  cidr                     = var.cidr
  nat_gateways             = local.size.nat_gateways
  permissions_boundary_arn = module.delivery.boundary_arn
}

module "cluster" {
  source                   = "../cluster"
  name                     = var.name
  region                   = var.region
  kubernetes_version       = var.kubernetes_version
  subnet_ids               = module.network.private_subnet_ids
  logs_key_arn             = module.network.logs_key_arn
  public_access_cidrs      = var.public_access_cidrs
  administrator_roles      = merge({ for arn in var.administrator_role_arns : arn => arn }, { apply = module.delivery.role_arns["apply"] })
  viewer_roles             = { plan = module.delivery.role_arns["plan"] }
  system_nodes             = local.size.system_nodes
  deletion_protection      = local.protect
  permissions_boundary_arn = module.delivery.boundary_arn
}

module "data" {
  source                   = "../data"
  name                     = var.name
  region                   = var.region
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.data_subnet_ids
  client_security_group_id = module.cluster.security_group_id
  cluster_name             = module.cluster.name
  logs_key_arn             = module.network.logs_key_arn
  chats                    = var.chats
  kafka_version            = var.kafka_version
  broker_instance_type     = local.size.kafka.type
  brokers                  = local.size.kafka.brokers
  broker_storage_gib       = local.size.kafka.storage_gib
  cache_node_type          = local.size.redis.type
  cache_shards             = local.size.redis.shards
  cache_replicas           = local.size.redis.replicas
  protect                  = local.protect
  permissions_boundary_arn = module.delivery.boundary_arn
}

module "observability" {
  source                   = "../observability"
  name                     = var.name
  region                   = var.region
  cluster_name             = module.cluster.name
  kafka_cluster_name       = module.data.kafka_cluster_name
  brokers                  = local.size.kafka.brokers
  replication_group_id     = module.data.replication_group_id
  cache_shards             = local.size.redis.shards
  cache_replicas           = local.size.redis.replicas
  email_addresses          = var.email_addresses
  monthly_budget_usd       = var.monthly_budget_usd
  permissions_boundary_arn = module.delivery.boundary_arn
}
