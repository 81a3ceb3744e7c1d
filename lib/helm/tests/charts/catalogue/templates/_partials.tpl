{{/* What other templates call. */}}
{{- define "catalogue.text" -}}
text-{{ .Values.text | replace " " "-" }}
{{- end -}}
{{- define "catalogue.nested" }}[{{ template "catalogue.text" .root }}|{{ .with }}]{{ end }}
{{- define "catalogue.count" -}}
{{- if gt (int .) 0 }}{{ . }}{{ include "catalogue.count" (sub (int .) 1) }}{{ end -}}
{{- end -}}
