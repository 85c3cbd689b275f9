import { fileURLToPath } from 'node:url'
import { actorSettings } from '@pixelflow/actors/config'
import { jobKinds, type ActorKind } from '@pixelflow/core/actor-kinds'
import { lanes } from '@pixelflow/core/job'
import type { Table } from '@pixelflow/platform/config/read-settings'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import { traceSettings } from '@pixelflow/platform/telemetry/tracing/trace-settings'
import { backlogConsumer, consumersOf, workConsumer } from '@pixelflow/nats/topology/consumers'
import { streams } from '@pixelflow/nats/topology/streams'
import { gatewaySettings } from '@pixelflow/gateway/config'

/**
 * Generates the parts of the chart that come from the code: the consumers that KEDA reads, and the names of settings
 * that values may contain. `bun deploy/k8s/generate.ts` writes both; a test fails when they differ from the code.
 */

export const topologyFile = new URL('chart/topology.json', import.meta.url)
export const schemaFile = new URL('chart/values.schema.json', import.meta.url)

/** Settings that the chart derives from other values; `settings` must not contain them. */
export const setByChart = {
  common: ['NATS_URL', 'PIXELFLOW_LOG_FORMAT', 'PIXELFLOW_NATS_REPLICAS'],
  gateway: [
    'PIXELFLOW_API_TOKENS_FILE',
    'PIXELFLOW_DATA_DIR',
    'PIXELFLOW_DOWNLOAD_SPOOL',
    'PIXELFLOW_DRAIN_TIMEOUT',
    'PIXELFLOW_GRPC_PORT',
    'PIXELFLOW_HOST',
    'PIXELFLOW_HTTP_PORT',
    'PIXELFLOW_METRICS_ACCESS',
  ],
  actors: [
    'PIXELFLOW_ACTOR_KINDS',
    'PIXELFLOW_ACTOR_CONCURRENCY',
    'PIXELFLOW_WORKER_MAX_RSS',
    'PIXELFLOW_DRAIN_TIMEOUT',
    'PIXELFLOW_LIVE_CONCURRENCY',
    'PIXELFLOW_SCRATCH_DIR',
  ],
  /** Set from `tls`, if it names secrets. */
  tls: [
    'PIXELFLOW_TLS_CERT_FILE',
    'PIXELFLOW_TLS_CLIENT_AUTH',
    'PIXELFLOW_TLS_CLIENT_CA_FILE',
    'PIXELFLOW_TLS_KEY_FILE',
  ],
  /** Credentials for NATS; which of them are set depends on the values. */
  broker: ['PIXELFLOW_NATS_CREDS_FILE', 'PIXELFLOW_NATS_PASSWORD_FILE', 'PIXELFLOW_NATS_USER'],
} as const

/** The first would end a containerized process at once; the second is set by the image. */
const notInContainers = [
  'PIXELFLOW_EXIT_WITH_PARENT',
  'PIXELFLOW_UI_DIR',
  // A pod has no folder that `./pixelflow trace` can read, and no file that the chart does not mount.
  'PIXELFLOW_TRACE_RING_DIR',
  'PIXELFLOW_TRACE_RING_SIZE',
  'OTEL_EXPORTER_OTLP_CERTIFICATE',
]

/** Content of `topology.json`: the consumers with waiting work, by kind and KEDA trigger, and `max_ack_pending`. */
export function renderChartTopology(kinds: readonly ActorKind[] = jobKinds) {
  const layout = {
    natsReplicas: natsSettings.natsReplicas.default,
    taskRetentionMs: natsSettings.taskRetentionMs.default,
    imageRetentionMs: natsSettings.imageRetentionMs.default,
    resultRetentionMs: natsSettings.resultRetentionMs.default,
    idempotencyRetentionMs: natsSettings.idempotencyRetentionMs.default,
    maxQueued: natsSettings.maxQueued.default,
  }
  const work = consumersOf(layout, kinds).filter(({ stream }) => stream === streams.jobs)
  const waitingOf = (kind: ActorKind) => ({
    ...Object.fromEntries(
      lanes.map((lane) => [lane, { stream: streams.jobs, consumer: workConsumer(kind, lane) }]),
    ),
    backlog: { stream: streams.backlog, consumer: backlogConsumer(kind) },
  })
  return {
    maxAckPending: Math.min(...work.map(({ config }) => config.max_ack_pending ?? 0)),
    kinds: Object.fromEntries(kinds.map((kind) => [kind, waitingOf(kind)])),
  }
}

/** Names allowed in `settings.common`, `.gateway` and `.actors`. Common settings are read by more than one service. */
export function listSettingNames() {
  const excluded: readonly string[] = [...Object.values(setByChart).flat(), ...notInContainers]
  const allowed = (table: Table) =>
    Object.values(table)
      .filter(({ env, secret }) => !secret && !excluded.includes(env))
      .map(({ env }) => env)
  const gateway = allowed(gatewaySettings)
  const actors = allowed(actorSettings)
  const common = [
    ...allowed(natsSettings),
    ...allowed(logSettings),
    ...allowed(traceSettings),
    ...gateway.filter((name) => actors.includes(name)),
  ]
  const withoutCommon = (names: string[]) => names.filter((name) => !common.includes(name)).sort()
  return { common: common.sort(), gateway: withoutCommon(gateway), actors: withoutCommon(actors) }
}

interface Schema {
  definitions: Record<string, { enum?: readonly string[] }>
}

/** The current `values.schema.json` with the names from the code. */
export async function renderChartSchema(): Promise<Schema> {
  const schema = (await Bun.file(schemaFile).json()) as Schema
  const { common, gateway, actors } = listSettingNames()
  schema.definitions['commonSettings'] = { enum: common }
  schema.definitions['gatewaySettings'] = { enum: gateway }
  schema.definitions['actorSettings'] = { enum: actors }
  schema.definitions['actorKind'] = { enum: jobKinds }
  return schema
}

if (import.meta.main) {
  await Bun.write(topologyFile, JSON.stringify(renderChartTopology(), null, 2))
  await Bun.write(schemaFile, JSON.stringify(await renderChartSchema(), null, 2))
  // As the check of the format expects them: short arrays on one line.
  const files = [topologyFile, schemaFile].map((file) => fileURLToPath(file))
  const command = [process.execPath, '--no-env-file', 'run', '--bun', '--silent', 'oxfmt', ...files]
  const { exitCode } = Bun.spawnSync(command, { cwd: fileURLToPath(new URL('../..', import.meta.url)) })
  process.exit(exitCode)
}
