{{/*
What the operator does to ChatClusters and to what they own: in every namespace, or in each that is watched. No verb and no
resource is a wildcard. docs/operator.md has the same as a table, and the checks compare the two.
*/}}
{{- define "elastic-chat-operator.rules" -}}
# The clusters themselves: read, never changed but for their status.
- apiGroups: [elastic-chat.io]
  resources: [chatclusters]
  verbs: [get, list, watch]
- apiGroups: [elastic-chat.io]
  resources: [chatclusters/status]
  verbs: [patch]
# Server-side apply is a patch, and of what is not there yet also a create.
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, configmaps, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
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
# Those that a spec names are read by name; the admin token of each cluster is made and rotated. None is listed or watched.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, update]
# Pods are asked for their load; annotations tell that they drain, and which should go first.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
# Told.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [get, create, patch]
# Why Pods can't be made is told by others.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
{{- end }}
