{{/*
Names of at most 63 characters, and what every object has in common.
*/}}
{{- define "elastic-chat-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "elastic-chat-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "elastic-chat-operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "elastic-chat-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "elastic-chat-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "elastic-chat-operator.labels" -}}
{{ include "elastic-chat-operator.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: elastic-chat
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
Of the Pod of `helm test`: not the operator's, or its Services and policies would take it for one.
*/}}
{{- define "elastic-chat-operator.testLabels" -}}
app.kubernetes.io/name: {{ include "elastic-chat-operator.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "elastic-chat-operator.metricsName" -}}
{{ include "elastic-chat-operator.fullname" . | trunc 55 | trimSuffix "-" }}-metrics
{{- end }}

{{- define "elastic-chat-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "elastic-chat-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "elastic-chat-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{/*
What the restricted Pod Security Standard asks of a container, and a root that can't be written.
*/}}
{{- define "elastic-chat-operator.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "elastic-chat-operator.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}
