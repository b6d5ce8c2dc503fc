{{/*
What the operator does to ChatClusters and to what they own: in every namespace, or in each that is watched. No verb and no
resource is a wildcard; each line says what it is for.
*/}}
{{- define "elastic-chat-operator.rules" -}}
# The clusters themselves; never their spec.
- apiGroups: [elastic-chat.io]
  resources: [chatclusters]
  verbs: [get, list, watch, patch]
- apiGroups: [elastic-chat.io]
  resources: [chatclusters/status]
  verbs: [get, patch]
# Owner references that block deletion ask for this, where that admission plugin is on.
- apiGroups: [elastic-chat.io]
  resources: [chatclusters/finalizers]
  verbs: [update]
# Gateways and web; writers; the migration.
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, configmaps, serviceaccounts, persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
# The admin token of each cluster; and whether the Secrets that a spec names are there.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
# Pods are asked for their load; their annotations tell that they drain, and their cost of deletion which goes first.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies, ingresses]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
