{{- define "shop.name" -}}
{{- default .Chart.Name .Values.name | trunc 63 | trimSuffix "-" -}}
{{- end }}
{{- define "shop.labels" -}}
app.kubernetes.io/name: {{ include "shop.name" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
release: {{ .Release.Name }}
{{- end }}
{{- define "who" -}}parent{{- end }}
