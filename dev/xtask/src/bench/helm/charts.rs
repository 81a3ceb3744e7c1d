//! The charts that are rendered to be measured.

use std::fmt::Write as _;

/// Files by path.
pub(super) struct Chart {
    pub(super) files: Vec<(String, String)>,
}

impl Chart {
    fn new(name: &str) -> Self {
        let metadata = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\nappVersion: \"2.0\"\n");
        Self { files: vec![("Chart.yaml".to_owned(), metadata)] }
    }

    fn with(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.push((path.to_owned(), text.into()));
        self
    }
}

/// The partials that `helm create` writes, or nearly.
const PARTIALS: &str = r#"
{{- define "app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "app.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}
{{- define "app.selectorLabels" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "app.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "app.selectorLabels" . }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
"#;

const VALUES: &str = "\
replicas: 2
nameOverride: \"\"
fullnameOverride: \"\"
commonLabels: {team: web, tier: \"1\"}
image: {repository: registry.example.com/app, tag: \"\", pullPolicy: IfNotPresent}
service: {type: ClusterIP, port: 80}
ingress: {enabled: true, host: app.example.com, paths: [/, /api]}
resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
env: {LOG_LEVEL: info, CACHE_SIZE: 1024, FEATURE: true}
autoscaling: {enabled: true, min: 2, max: 10, target: 80}
";

/// A Deployment, as charts write them; `suffix` makes its name another.
fn deployment(suffix: &str) -> String {
    format!(
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{{{ include "app.fullname" . }}}}{suffix}
  namespace: {{{{ .Release.Namespace }}}}
  labels:
    {{{{- include "app.labels" . | nindent 4 }}}}
spec:
  {{{{- if not .Values.autoscaling.enabled }}}}
  replicas: {{{{ .Values.replicas }}}}
  {{{{- end }}}}
  selector:
    matchLabels:
      {{{{- include "app.selectorLabels" . | nindent 6 }}}}
  template:
    metadata:
      annotations:
        checksum/config: {{{{ .Values.env | toJson | sha256sum }}}}
      labels:
        {{{{- include "app.labels" . | nindent 8 }}}}
    spec:
      containers:
        - name: {{{{ .Chart.Name }}}}
          image: "{{{{ .Values.image.repository }}}}:{{{{ .Values.image.tag | default .Chart.AppVersion }}}}"
          imagePullPolicy: {{{{ .Values.image.pullPolicy }}}}
          env:
            {{{{- range $name, $value := .Values.env }}}}
            - name: {{{{ $name }}}}
              value: {{{{ $value | quote }}}}
            {{{{- end }}}}
          ports:
            - name: http
              containerPort: {{{{ .Values.service.port }}}}
          {{{{- with .Values.resources }}}}
          resources:
            {{{{- toYaml . | nindent 12 }}}}
          {{{{- end }}}}
"#
    )
}

fn service(suffix: &str) -> String {
    format!(
        r#"apiVersion: v1
kind: Service
metadata:
  name: {{{{ include "app.fullname" . }}}}{suffix}
  labels:
    {{{{- include "app.labels" . | nindent 4 }}}}
spec:
  type: {{{{ .Values.service.type }}}}
  ports:
    - port: {{{{ .Values.service.port }}}}
      targetPort: http
  selector:
    {{{{- include "app.selectorLabels" . | nindent 4 }}}}
"#
    )
}

fn config(suffix: &str) -> String {
    format!(
        r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{{{ include "app.fullname" . }}}}{suffix}
  labels: {{{{- include "app.labels" . | nindent 4 }}}}
data:
  settings.yaml: |
    {{{{- tpl (toYaml .Values.env) . | nindent 4 }}}}
"#
    )
}

const INGRESS: &str = r#"{{- if .Values.ingress.enabled -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "app.fullname" . }}
  labels:
    {{- include "app.labels" . | nindent 4 }}
spec:
  rules:
    - host: {{ .Values.ingress.host | quote }}
      http:
        paths:
          {{- range .Values.ingress.paths }}
          - path: {{ . }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "app.fullname" $ }}
                port:
                  number: {{ $.Values.service.port }}
          {{- end }}
{{- end }}
"#;

const AUTOSCALER: &str = r#"{{- if .Values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "app.fullname" . }}
  labels:
    {{- include "app.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "app.fullname" . }}
  minReplicas: {{ .Values.autoscaling.min }}
  maxReplicas: {{ .Values.autoscaling.max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .Values.autoscaling.target }}
{{- end }}
"#;

/// What one service needs.
pub(super) fn small() -> Chart {
    Chart::new("small")
        .with("values.yaml", VALUES)
        .with("templates/_helpers.tpl", PARTIALS)
        .with("templates/deployment.yaml", deployment(""))
        .with("templates/service.yaml", service(""))
        .with("templates/config.yaml", config(""))
        .with("templates/ingress.yaml", INGRESS)
        .with("templates/hpa.yaml", AUTOSCALER)
}

/// So many templates of one object each.
pub(super) fn medium(count: usize) -> Chart {
    let mut chart = Chart::new("medium").with("values.yaml", VALUES).with("templates/_helpers.tpl", PARTIALS);
    for i in 0..count {
        let suffix = format!("-{i}");
        let (kind, text) = match i % 3 {
            0 => ("deployment", deployment(&suffix)),
            1 => ("service", service(&suffix)),
            _ => ("config", config(&suffix)),
        };
        chart = chart.with(&format!("templates/{kind}-{i}.yaml"), text);
    }
    chart
}

/// Like the large monitoring charts: so many objects, half of them rules and dashboards that are mostly text with
/// expressions of another template language inside, the other half of subcharts; values of some hundred kilobytes.
pub(super) fn huge(count: usize) -> Chart {
    let mut values = String::from(VALUES);
    values.push_str("rules:\n  enabled: true\n  labels: {severity: warning}\n  groups:\n");
    for i in 0..count {
        let _ = writeln!(values, "    group{i}: {{enabled: true, interval: 30s, threshold: {i}}}");
    }
    let mut chart = Chart::new("huge").with("templates/_helpers.tpl", PARTIALS);
    for i in 0..count / 2 {
        chart = chart.with(&format!("templates/rules/rule-{i}.yaml"), rule(i));
    }
    for i in 0..count / 8 {
        let name = format!("component{i}");
        let _ = write!(values, "{name}:\n  replicas: {i}\n  env: {{LOG_LEVEL: debug, INDEX: {i}}}\n");
        let inner = Chart::new(&name)
            .with("values.yaml", VALUES)
            .with("templates/_helpers.tpl", PARTIALS)
            .with("templates/deployment.yaml", deployment(""))
            .with("templates/service.yaml", service(""))
            .with("templates/config.yaml", config(""))
            .with("templates/hpa.yaml", AUTOSCALER);
        for (path, text) in inner.files {
            chart = chart.with(&format!("charts/{name}/{path}"), text);
        }
    }
    chart.with("values.yaml", values)
}

fn rule(i: usize) -> String {
    let mut text = format!(
        r#"{{{{- $group := index .Values.rules.groups "group{i}" }}}}
{{{{- if and .Values.rules.enabled $group.enabled }}}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{{{ printf "%s-%s" (include "app.fullname" .) "rule-{i}" | trunc 63 | trimSuffix "-" }}}}
  namespace: {{{{ .Release.Namespace }}}}
  labels:
    {{{{- include "app.labels" . | nindent 4 }}}}
spec:
  groups:
  - name: group-{i}
    interval: {{{{ $group.interval }}}}
    rules:
"#
    );
    for j in 0..8 {
        let _ = write!(
            text,
            r#"    - alert: Alert{i}x{j}
      annotations:
        description: '{{{{`{{{{`}}}} $labels.namespace {{{{`}}}}`}}}}/{{{{`{{{{`}}}} $labels.pod {{{{`}}}}`}}}} has been above {{{{ $group.threshold }}}} for longer than it should, which means that somebody has to look at it.'
        runbook_url: https://runbooks.example.com/{i}/{j}
      expr: |-
        sum by (namespace, pod) (
          rate(container_cpu_usage_seconds_total{{job="kubelet", image!="", container!="POD"}}[5m])
        ) > {{{{ $group.threshold }}}}
      for: {{{{ dig "rule-{j}" "for" "15m" $group }}}}
      labels:
        {{{{- toYaml .Values.rules.labels | nindent 8 }}}}
"#
        );
    }
    text.push_str("{{- end }}\n");
    text
}
