{{- define "pixelflow.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Prefix of object names: the release name, plus the chart name if missing. At most 40 characters, because suffixes follow. */}}
{{- define "pixelflow.fullname" -}}
{{- $name := include "pixelflow.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of every pod of the release; `component` selects the pods of one workload. */}}
{{- define "pixelflow.selector" -}}
app.kubernetes.io/name: {{ include "pixelflow.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "pixelflow.labels" -}}
{{ include "pixelflow.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "pixelflow.name" .root }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "pixelflow.image" -}}
{{- $tag := default .root.Chart.AppVersion .image.tag -}}
{{- $path := .image.repository -}}
{{- with .root.Values.imageRegistry -}}{{- $path = printf "%s/%s" . $path -}}{{- end -}}
{{- if .image.digest -}}{{ $path }}@{{ .image.digest }}{{- else -}}{{ $path }}:{{ $tag }}{{- end -}}
{{- end -}}

{{/* JSON: the values of every kind of actor by its name, which are the defaults with those of the kind. */}}
{{- define "pixelflow.actorKinds" -}}
{{- $kinds := dict -}}
{{- range $kind, $_ := (.Files.Get "topology.json" | fromJson).kinds -}}
{{- $own := get $.Values.actors.kinds $kind | default dict -}}
{{- $_ := set $kinds $kind (mergeOverwrite (deepCopy $.Values.actors.defaults) $own) -}}
{{- end -}}
{{- toJson $kinds -}}
{{- end -}}

{{/* URL of NATS, and the secret with its credentials. */}}
{{- define "pixelflow.natsUrl" -}}
{{- if .Values.nats.enabled -}}
nats://{{ include "pixelflow.fullname" . }}-nats.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:4222
{{- else -}}
{{- required "nats.external.url is required when nats.enabled is false" .Values.nats.external.url -}}
{{- end -}}
{{- end -}}

{{/* KEDA queries the leader of a consumer at <server name>.<this host>, so this must be the headless service. */}}
{{- define "pixelflow.natsMonitoring" -}}
{{- if .Values.nats.enabled -}}
{{ include "pixelflow.fullname" . }}-nats-headless.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:8222
{{- else -}}
{{- required "nats.external.monitoringEndpoint is required to scale actors with an external NATS" .Values.nats.external.monitoringEndpoint -}}
{{- end -}}
{{- end -}}

{{- define "pixelflow.natsAccount" -}}
{{- if .Values.nats.enabled -}}PIXELFLOW{{- else -}}{{ .Values.nats.external.account }}{{- end -}}
{{- end -}}

{{- define "pixelflow.natsSecret" -}}
{{- if .Values.nats.enabled -}}
{{- default (printf "%s-nats" (include "pixelflow.fullname" .)) .Values.nats.existingSecret -}}
{{- else -}}
{{- .Values.nats.external.existingSecret -}}
{{- end -}}
{{- end -}}

{{- define "pixelflow.tokensSecret" -}}
{{- default (printf "%s-tokens" (include "pixelflow.fullname" .)) .Values.auth.existingSecret -}}
{{- end -}}

{{/* Settings of all services, as lines of a ConfigMap. */}}
{{- define "pixelflow.sharedSettings" -}}
NODE_ENV: production
NATS_URL: {{ include "pixelflow.natsUrl" . | quote }}
PIXELFLOW_LOG_FORMAT: json
PIXELFLOW_NATS_REPLICAS: {{ ternary .Values.nats.replicas .Values.nats.external.replicas .Values.nats.enabled | quote }}
{{- if .Values.nats.enabled }}
PIXELFLOW_NATS_USER: pixelflow
PIXELFLOW_NATS_PASSWORD_FILE: /run/secrets/nats/password
{{- else if .Values.nats.external.existingSecret }}
{{- if .Values.nats.external.credsKey }}
PIXELFLOW_NATS_CREDS_FILE: /run/secrets/nats/{{ .Values.nats.external.credsKey }}
{{- else }}
PIXELFLOW_NATS_USER: {{ required "nats.external.user is required with nats.external.existingSecret, unless credsKey is set" .Values.nats.external.user | quote }}
PIXELFLOW_NATS_PASSWORD_FILE: /run/secrets/nats/{{ .Values.nats.external.passwordKey }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings.common }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- define "pixelflow.natsSecretKey" -}}
{{- if .Values.nats.enabled -}}password
{{- else -}}{{ default .Values.nats.external.passwordKey .Values.nats.external.credsKey }}{{- end -}}
{{- end -}}

{{- define "pixelflow.natsSecretMount" -}}
{{- if include "pixelflow.natsSecret" . -}}
- name: nats-secret
  mountPath: /run/secrets/nats
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "pixelflow.natsSecretVolume" -}}
{{- if include "pixelflow.natsSecret" . -}}
- name: nats-secret
  secret:
    secretName: {{ include "pixelflow.natsSecret" . }}
    defaultMode: 0440
    items:
      - key: {{ include "pixelflow.natsSecretKey" . }}
        path: {{ include "pixelflow.natsSecretKey" . }}
{{- end -}}
{{- end -}}

{{- define "pixelflow.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "pixelflow.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Pod fields that all workloads share. enableServiceLinks is off, because it would add PIXELFLOW_… variables. */}}
{{- define "pixelflow.podCommon" -}}
serviceAccountName: {{ include "pixelflow.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "pixelflow.podSecurity" . | nindent 2 }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "pixelflow.selector" . | nindent 8 }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: {{ dig "topologySpread" "whenUnsatisfiable" "ScheduleAnyway" .values }}
    labelSelector:
      matchLabels:
        {{- include "pixelflow.selector" . | nindent 8 }}
{{- end -}}
