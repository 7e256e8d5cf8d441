{{/* Takes the root and `component`, and as `settings` those that a pod is replaced for when they change. */}}
{{- define "devinsync.podMetadata" -}}
{{- $annotations := .root.Values.pods.annotations -}}
{{- with .settings }}{{ $annotations = merge (dict "checksum/settings" (sha256sum .)) $annotations }}{{ end -}}
{{- with $annotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{ end -}}
labels:
  {{- include "devinsync.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- with .root.Values.pods.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "devinsync.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
# A signal reaches the process also while it starts, and a worker that was started anew sees that the one before is dead.
shareProcessNamespace: true
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "devinsync.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "devinsync.selector" $ | nindent 8 }}
    matchLabelKeys: [app.kubernetes.io/component, pod-template-hash]
  {{- end }}
{{- end }}

{{- define "devinsync.volumes" -}}
- name: secrets
  secret:
    secretName: {{ .Values.existingSecret }}
    defaultMode: 0440
    items:
      {{- with .Values.secretKeys }}
      - { key: {{ .secretKey }}, path: secret-key }
      - { key: {{ .encryptionKeys }}, path: encryption-keys }
      - { key: {{ .databaseUrl }}, path: database-url }
      - { key: {{ .redisUrl }}, path: redis-url }
      {{- with .outboundProxy }}
      - { key: {{ . }}, path: outbound-proxy }
      {{- end }}
      {{- end }}
      {{- range $name, $key := .Values.secretSettings }}
      - { key: {{ $key | quote }}, path: {{ $name }} }
      {{- end }}
- name: data
  emptyDir: { sizeLimit: 256Mi }
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
{{- with .Values.pods.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What holds for every container. */}}
{{- define "devinsync.container" -}}
image: {{ include "devinsync.image" . }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "devinsync.environment" -}}
- { name: DATA_DIR, value: /var/lib/devinsync }
- { name: SECRET_KEY_FILE, value: /run/secrets/devinsync/secret-key }
- { name: ENCRYPTION_KEYS_FILE, value: /run/secrets/devinsync/encryption-keys }
- { name: DATABASE_URL_FILE, value: /run/secrets/devinsync/database-url }
- { name: REDIS_URL_FILE, value: /run/secrets/devinsync/redis-url }
{{- if .Values.secretKeys.outboundProxy }}
- { name: OUTBOUND_PROXY_FILE, value: /run/secrets/devinsync/outbound-proxy }
{{- end }}
{{- range $name, $_ := .Values.secretSettings }}
- { name: {{ $name }}_FILE, value: /run/secrets/devinsync/{{ $name }} }
{{- end }}
{{- end }}

{{- define "devinsync.mounts" -}}
- { name: secrets, mountPath: /run/secrets/devinsync, readOnly: true }
- { name: data, mountPath: /var/lib/devinsync }
- { name: tmp, mountPath: /tmp }
{{- with .Values.pods.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "devinsync.wait" -}}
- name: wait
  command: [python, manage.py, prepared, --wait]
  {{- include "devinsync.container" . | nindent 2 }}
  env:
    {{- include "devinsync.environment" . | nindent 4 }}
  envFrom:
    - configMapRef: { name: {{ include "devinsync.name" . }}-settings }
  resources:
    {{- toYaml .Values.scheduler.resources | nindent 4 }}
  volumeMounts:
    {{- include "devinsync.mounts" . | nindent 4 }}
{{- end }}

{{/* Whether its loop turns; it asks neither the database nor the queue, which a restart does not bring back. */}}
{{- define "devinsync.alive" -}}
startupProbe:
  exec: { command: [python, -m, launcher.healthy] }
  periodSeconds: 5
  timeoutSeconds: 10
  failureThreshold: 60
livenessProbe:
  exec: { command: [python, -m, launcher.healthy] }
  periodSeconds: 30
  timeoutSeconds: 15
  failureThreshold: 4
{{- end }}

{{/* A process that stays. Takes the root, `component`, `replicas`, `grace`, and as `own` what its container has besides. */}}
{{- define "devinsync.process" -}}
{{- $root := .root -}}
{{- $metrics := ternary $root.Values.secretKeys.metricsToken "" (eq .component "web") -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "devinsync.name" $root }}-{{ .component }}
  labels:
    {{- include "devinsync.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  {{- if .replicas }}
  replicas: {{ .replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "devinsync.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  strategy:
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  template:
    metadata:
      {{- $settings := include "devinsync.settings" $root }}
      {{- include "devinsync.podMetadata" (dict "root" $root "component" .component "settings" $settings) | nindent 6 }}
    spec:
      {{- include "devinsync.pod" $root | nindent 6 }}
      {{- include "devinsync.spread" $root | nindent 6 }}
      terminationGracePeriodSeconds: {{ .grace }}
      initContainers:
        {{- include "devinsync.wait" $root | nindent 8 }}
      containers:
        - name: devinsync
          {{- include "devinsync.container" $root | nindent 10 }}
          env:
            {{- include "devinsync.environment" $root | nindent 12 }}
            {{- if $metrics }}
            - { name: METRICS_TOKEN_FILE, value: /run/secrets/metrics/metrics-token }
            {{- end }}
          envFrom:
            - configMapRef: { name: {{ include "devinsync.name" $root }}-settings }
          volumeMounts:
            {{- include "devinsync.mounts" $root | nindent 12 }}
            {{- if $metrics }}
            - { name: metrics, mountPath: /run/secrets/metrics, readOnly: true }
            {{- end }}
          resources:
            {{- toYaml .resources | nindent 12 }}
          {{- .own | nindent 10 }}
      volumes:
        {{- include "devinsync.volumes" $root | nindent 8 }}
        {{- with $metrics }}
        - name: metrics
          secret:
            secretName: {{ $root.Values.existingSecret }}
            defaultMode: 0440
            items:
              - { key: {{ . }}, path: metrics-token }
        {{- end }}
{{- end }}
