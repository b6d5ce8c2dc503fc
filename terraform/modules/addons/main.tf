# What runs in the cluster before the first ChatCluster can: in the order in which one needs the other. The ChatClusters
# themselves are not Terraform's: Argo CD brings them from deploy/gitops.

locals {
  system = { nodeSelector = { "elastic-chat.io/pool" = "system" } }
}

resource "helm_release" "karpenter_crds" {
  name       = "karpenter-crd"
  namespace  = "kube-system"
  repository = "oci://public.ecr.aws/karpenter"
  chart      = "karpenter-crd"
  version    = var.versions.karpenter
}

resource "helm_release" "karpenter" {
  name       = "karpenter"
  namespace  = "kube-system"
  repository = "oci://public.ecr.aws/karpenter"
  chart      = "karpenter"
  version    = var.versions.karpenter
  skip_crds  = true
  values = [yamlencode(merge(local.system, {
    settings = { clusterName = var.cluster.name, interruptionQueue = var.cluster.interruption_queue }
  }))]
  depends_on = [helm_release.karpenter_crds]
}

resource "helm_release" "load_balancers" {
  name       = "aws-load-balancer-controller"
  namespace  = "kube-system"
  repository = "https://aws.github.io/eks-charts"
  chart      = "aws-load-balancer-controller"
  version    = var.versions.aws_load_balancer_controller
  values     = [yamlencode(merge(local.system, { clusterName = var.cluster.name, region = var.cluster.region, vpcId = var.cluster.vpc_id }))]
}

resource "helm_release" "certificates" {
  name             = "cert-manager"
  namespace        = "cert-manager"
  create_namespace = true
  repository       = "https://charts.jetstack.io"
  chart            = "cert-manager"
  version          = var.versions.cert_manager
  values           = [yamlencode(merge(local.system, { crds = { enabled = true, keep = true } }))]
  # Its Services go through the webhook of the load balancers' controller, which must answer by then.
  depends_on = [helm_release.load_balancers]
}

resource "helm_release" "secrets" {
  name             = "external-secrets"
  namespace        = "external-secrets"
  create_namespace = true
  repository       = "https://charts.external-secrets.io"
  chart            = "external-secrets"
  version          = var.versions.external_secrets
  values           = [yamlencode(merge(local.system, { serviceAccount = { name = "external-secrets" } }))]
  depends_on       = [helm_release.load_balancers]
}

resource "helm_release" "cassandra_operator" {
  name             = "k8ssandra-operator"
  namespace        = "cassandra"
  create_namespace = true
  repository       = "https://helm.k8ssandra.io/stable"
  chart            = "k8ssandra-operator"
  version          = var.versions.k8ssandra_operator
  values           = [yamlencode(local.system)]
  depends_on       = [helm_release.certificates]
}

resource "helm_release" "platform" {
  name      = "platform"
  namespace = "kube-system"
  chart     = "${path.module}/../../charts/platform"
  values = [yamlencode({
    cluster         = var.cluster.name
    region          = var.cluster.region
    zones           = var.cluster.zones
    securityGroup   = var.cluster.security_group_id
    instanceProfile = var.cluster.node_instance_profile
    volumesKey      = var.cluster.volumes_key_arn
    spot            = var.spot
    namespaces      = sort(var.namespaces)
    secrets         = var.secret_names
    cassandra = {
      version       = var.cassandra.version
      nodes         = var.cassandra.nodes
      storageGib    = var.cassandra.storage_gib
      heapGib       = var.cassandra.heap_gib
      memoryGib     = var.cassandra.memory_gib
      cpu           = var.cassandra.cpu
      backupsBucket = var.cassandra.backups_bucket
    }
  })]
  depends_on = [helm_release.karpenter, helm_release.secrets, helm_release.cassandra_operator, helm_release.namespace]
}

# Made before anything is put into them, and left when the release goes, since Helm never deletes a namespace.
resource "helm_release" "namespace" {
  for_each         = var.namespaces
  name             = "namespace"
  namespace        = each.key
  create_namespace = true
  chart            = "${path.module}/../../charts/namespace"
}

# The definitions first, and never away with the operator: a removed definition takes every ChatCluster with it.
resource "helm_release" "definitions" {
  name             = "elastic-chat-crds"
  namespace        = "elastic-chat-system"
  create_namespace = true
  repository       = startswith(var.operator.charts, "oci://") ? var.operator.charts : null
  chart            = startswith(var.operator.charts, "oci://") ? "elastic-chat-crds" : "${var.operator.charts}/elastic-chat-crds"
  version          = var.operator.version

  lifecycle {
    prevent_destroy = true
  }
}

resource "helm_release" "operator" {
  name             = "elastic-chat-operator"
  namespace        = "elastic-chat-system"
  create_namespace = true
  repository       = startswith(var.operator.charts, "oci://") ? var.operator.charts : null
  chart            = startswith(var.operator.charts, "oci://") ? "elastic-chat-operator" : "${var.operator.charts}/elastic-chat-operator"
  version          = var.operator.version
  # A failed update goes back to what ran.
  atomic = true
  values = [yamlencode(merge(local.system, { image = { repository = "${var.operator.images}/operator", tag = var.operator.version } }))]

  depends_on = [helm_release.definitions]
}

resource "helm_release" "argo_cd" {
  name             = "argo-cd"
  namespace        = "argocd"
  create_namespace = true
  repository       = "https://argoproj.github.io/argo-helm"
  chart            = "argo-cd"
  version          = var.versions.argo_cd
  values = [yamlencode({
    global = local.system
    # TLS ends at the server itself, and it is on no load balancer: `kubectl port-forward`, or an Ingress of yours.
    server = { service = { type = "ClusterIP" } }
  })]
  depends_on = [helm_release.load_balancers]
}
