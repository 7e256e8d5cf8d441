{{- define "devinsync.name" -}}
{{- $name := ternary .Release.Name (printf "%s-devinsync" .Release.Name) (contains "devinsync" .Release.Name) -}}
{{- .Values.fullnameOverride | default $name | trunc 38 | trimSuffix "-" -}}
{{- end }}

{{- define "devinsync.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "devinsync.path" -}}
{{- .Values.settings.PATH_PREFIX | default "" | trimAll "/" | printf "/%s" -}}
{{- end }}

{{/* By what pods are chosen. It may never change. */}}
{{- define "devinsync.selector" -}}
app.kubernetes.io/name: devinsync
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "devinsync.labels" -}}
{{ include "devinsync.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* A ConfigMap's data. Helm reads a whole number as a fraction, and would write a large one as 1e+06. */}}
{{- define "devinsync.settings" -}}
{{- $given := dict "HOST" "0.0.0.0" "PORT" "8000" "HTTPS" "1" "LIFE_SIGN" "/tmp/devinsync.alive" -}}
{{- with .Values.ingress -}}
{{- if .enabled }}{{ $given = merge (dict "TRUSTED_PROXIES" "1" "ALLOWED_HOSTS" .host) $given }}{{ end -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- $_ := set $given $name (kindIs "float64" $value | ternary ($value | int64 | toString) ($value | toString)) -}}
{{- end -}}
{{- toYaml $given -}}
{{- end }}
