{{ define "tools.hello" }}hello from {{ .Chart.Name }}{{ end }}
