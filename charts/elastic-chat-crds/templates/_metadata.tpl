{{/*
The head of a definition's metadata; its name follows.
*/}}
{{- define "elastic-chat-crds.metadata" -}}
metadata:
  labels:
    app.kubernetes.io/name: elastic-chat
    app.kubernetes.io/component: crds
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
    {{- with .Values.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := .Values.annotations }}
  {{- if .Values.keep }}
  {{- $annotations = merge (dict "helm.sh/resource-policy" "keep") $annotations }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
