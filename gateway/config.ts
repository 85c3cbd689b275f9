import { z } from 'zod'
import {
  readSettings,
  InvalidSettings,
  type Environment,
  type Values,
} from '@pixelflow/platform/config/read-settings'
import {
  bytes,
  choice,
  duration,
  integer,
  list,
  port,
  secret,
  text,
} from '@pixelflow/platform/config/setting'
import { sharedSettings } from '@pixelflow/platform/config/shared-settings'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import { traceSettings } from '@pixelflow/platform/telemetry/tracing/trace-settings'
import { metricsAccess } from './metrics/metrics-access.ts'
import { parseTokens } from './accounts/token-table.ts'
import { checkSettings } from './check-settings.ts'
import { sweepSettings } from './background/sweep-settings.ts'
import { readTls, type TlsConfig } from './tls/watch-tls.ts'
import { TlsFileError } from './tls/tls-material.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30

const tokenTable = z.string().transform((given, context) => {
  try {
    return parseTokens(given)
  } catch (thrown) {
    context.addIssue((thrown as Error).message)
    return z.NEVER
  }
})

/** Settings of the gateway. */
export const gatewaySettings = {
  httpPort: port('PIXELFLOW_HTTP_PORT', {
    default: 3000,
    help: 'Port of the page and the REST API; 0 selects a free port.',
  }),
  grpcPort: port('PIXELFLOW_GRPC_PORT', {
    default: 50_051,
    help: 'Port of the gRPC API; 0 selects a free port.',
  }),
  grpcConnectionAgeMs: duration('PIXELFLOW_GRPC_MAX_CONNECTION_AGE', {
    default: 300_000,
    min: 1000,
    max: 7 * 86_400_000,
    former: 'PIXELFLOW_GRPC_CONNECTION_AGE',
    help: 'Age at which a gRPC client is asked to reconnect (GOAWAY), so that calls are balanced over all gateways.',
  }),
  grpcKeepaliveMs: duration('PIXELFLOW_GRPC_KEEPALIVE_TIME', {
    default: 60_000,
    min: 1000,
    max: 7_200_000,
    former: 'PIXELFLOW_GRPC_KEEPALIVE',
    help: 'Idle time after which a gRPC connection is pinged; without an answer within 20 s it is closed.',
  }),
  host: text('PIXELFLOW_HOST', {
    default: '127.0.0.1',
    expects: 'an IP address or host name of this machine',
    pattern: /^[A-Za-z0-9_.:[\]-]+$/,
    help: 'Address to listen on. An address that is not loopback requires PIXELFLOW_API_TOKENS or PIXELFLOW_TLS_CLIENT_CA_FILE.',
  }),
  dataDir: text('PIXELFLOW_DATA_DIR', {
    default: '.pixelflow',
    expects: 'the path of a folder',
    help: 'Folder for the task list and for large downloads in progress. The task list is rebuilt when the folder is deleted.',
  }),
  uiDir: text('PIXELFLOW_UI_DIR', {
    default: undefined,
    defaultDescription: 'built into ui/dist when needed',
    expects: 'the path of a folder with a built page',
    help: 'Folder of the built page.',
  }),
  apiTokens: secret('PIXELFLOW_API_TOKENS', {
    schema: tokenTable,
    expects: 'pairs such as alice:a-long-random-token,bob:another-one, separated by commas or line breaks',
    help: 'Accounts and their bearer tokens; the suffix :admin, as in root:a-third-one:admin, allows operator calls. Without tokens, all callers on this machine are the account local and may make operator calls.',
  }),
  tlsCertFile: text('PIXELFLOW_TLS_CERT_FILE', {
    default: undefined,
    expects: 'the path of a certificate in PEM, followed by its chain',
    help: 'Certificate for TLS on the HTTP port and the gRPC port. A changed file is loaded while the gateway runs.',
  }),
  tlsKeyFile: text('PIXELFLOW_TLS_KEY_FILE', {
    default: undefined,
    expects: 'the path of the private key of that certificate, in PEM and without a passphrase',
    help: 'Private key for TLS.',
  }),
  tlsClientCaFile: text('PIXELFLOW_TLS_CLIENT_CA_FILE', {
    default: undefined,
    expects: 'the path of the certificates of authorities, in PEM',
    help: 'Certificate authorities for client certificates. A client certificate identifies the account of a call.',
  }),
  tlsClientAuth: choice('PIXELFLOW_TLS_CLIENT_AUTH', ['require', 'optional'], {
    default: undefined,
    defaultDescription: 'require when PIXELFLOW_TLS_CLIENT_CA_FILE is set',
    help: 'Whether every call requires a client certificate, or a token is enough.',
  }),
  tlsReloadIntervalMs: duration('PIXELFLOW_TLS_RELOAD_INTERVAL', {
    default: 5000,
    min: 100,
    max: 86_400_000,
    help: 'How often the TLS files are checked for changes.',
  }),
  maxUploadBytes: bytes('PIXELFLOW_MAX_UPLOAD_BYTES', {
    default: 512 * MiB,
    min: 1,
    max: 1024 * GiB,
    help: 'Largest image file that is accepted.',
  }),
  uploadIdleTimeoutMs: duration('PIXELFLOW_UPLOAD_IDLE_TIMEOUT', {
    default: 60_000,
    min: 1000,
    // The server's own timeout, at most 255 s, is 60 s longer.
    max: 195_000,
    help: 'How long an upload may pause before it is aborted.',
  }),
  uploadMemoryBytes: bytes('PIXELFLOW_UPLOAD_MEMORY', {
    default: 64 * MiB,
    min: 4 * MiB,
    max: 16 * GiB,
    help: 'Memory for all uploads together that are being sent to the store.',
  }),
  requestMemoryBytes: bytes('PIXELFLOW_REQUEST_MEMORY', {
    default: 128 * MiB,
    min: 8 * MiB,
    max: 64 * GiB,
    help: 'Memory for all requests together that are buffered: gRPC, Connect and WebSocket messages, JSON, form fields, and the first 512 KiB of each upload. Further requests are refused with overloaded.',
  }),
  requestMemoryPerAccountBytes: bytes('PIXELFLOW_REQUEST_MEMORY_PER_ACCOUNT', {
    default: 64 * MiB,
    min: 8 * MiB,
    max: 64 * GiB,
    help: 'Share of PIXELFLOW_REQUEST_MEMORY for one account; all of it when calls need no credentials.',
  }),
  requestMemoryPerPeerBytes: bytes('PIXELFLOW_REQUEST_MEMORY_PER_PEER', {
    default: 16 * MiB,
    min: 128 * KiB,
    max: 64 * GiB,
    help: 'Share of PIXELFLOW_REQUEST_MEMORY for the unauthenticated calls of one address: version, health, reflection. Each open call counts 16 KiB.',
  }),
  inlineMaxBytes: bytes('PIXELFLOW_INLINE_MAX_BYTES', {
    default: 16 * MiB,
    min: 0,
    max: 64 * MiB,
    help: 'Largest image file that a process call keeps in memory; a larger one is stored and processed as a task, for which the call waits.',
  }),
  inlineMemoryBytes: bytes('PIXELFLOW_INLINE_MEMORY', {
    default: 128 * MiB,
    min: 0,
    max: 64 * GiB,
    help: 'Memory for all images of process calls and their results together; an image that does not fit is stored.',
  }),
  processTimeoutMs: duration('PIXELFLOW_PROCESS_TIMEOUT', {
    default: 60_000,
    min: 100,
    max: 3_600_000,
    help: 'Longest time of a process call after its file has arrived; then it fails with deadline_exceeded.',
  }),
  accountInteractive: integer('PIXELFLOW_MAX_INTERACTIVE_PER_ACCOUNT', {
    default: 16,
    min: 0,
    max: 1_000_000,
    former: 'PIXELFLOW_ACCOUNT_INTERACTIVE',
    help: 'Interactive tasks of one account that may be queued or running at once; further ones use the bulk lane, which is shared fairly between accounts. With tokens, the limit is at most half of the workers of all actors, and at least 2.',
  }),
  accountQueued: integer('PIXELFLOW_MAX_QUEUED_PER_ACCOUNT', {
    default: 100_000,
    min: 1,
    max: 100_000_000,
    former: 'PIXELFLOW_ACCOUNT_QUEUED',
    help: 'Tasks of one account that may be queued at once, in both lanes; further ones are refused with too_many_tasks.',
  }),
  downloadSpoolBytes: bytes('PIXELFLOW_DOWNLOAD_SPOOL', {
    default: 4 * GiB,
    min: 64 * MiB,
    max: 16_384 * GiB,
    help: 'Disk space under PIXELFLOW_DATA_DIR for all large downloads in progress; a download that is larger runs alone.',
  }),
  corsOrigins: list('PIXELFLOW_CORS_ORIGINS', {
    default: [] as readonly string[],
    expects: 'an origin such as https://app.example or http://localhost:8080, or * for every origin',
    pattern: /^(?:\*|https?:\/\/[^\s/?#@]+)$/,
    help: 'Other origins whose pages may call from a browser, over REST, Connect and gRPC-Web; * requires tokens.',
  }),
  metrics: choice('PIXELFLOW_METRICS_ACCESS', metricsAccess, {
    default: 'token',
    former: 'PIXELFLOW_METRICS',
    help: 'Who may read /metrics. token: every caller with valid credentials; open: every caller; off: no caller.',
  }),
  sseHeartbeatMs: duration('PIXELFLOW_SSE_HEARTBEAT_INTERVAL', {
    default: 15_000,
    min: 100,
    max: 300_000,
    former: 'PIXELFLOW_SSE_HEARTBEAT',
    help: 'How often an idle event stream sends a heartbeat.',
  }),
  tuneSessions: integer('PIXELFLOW_MAX_TUNE_SESSIONS_PER_ACCOUNT', {
    default: 16,
    min: 1,
    max: 4096,
    former: 'PIXELFLOW_TUNE_SESSIONS',
    help: 'Tuning sessions that one account may have open on this gateway at once.',
  }),
  ...sweepSettings,
  ...sharedSettings,
}

/** All settings of a gateway process. */
export const settingsTable = { ...natsSettings, ...logSettings, ...traceSettings, ...gatewaySettings }

export interface GatewayConfig extends Values<typeof settingsTable> {
  /** Undefined when both ports use no TLS. */
  readonly tls: TlsConfig | undefined
}

/** @throws InvalidSettings for invalid settings, such as a public address without authentication. */
export function readConfig(env: Environment): GatewayConfig {
  const config = readSettings(settingsTable, env)
  const problems = checkSettings(config)
  if (problems.length > 0) throw new InvalidSettings(problems)
  return { ...config, tls: tlsOf(config) }
}

function tlsOf(values: Values<typeof gatewaySettings>): TlsConfig | undefined {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile, tlsClientCaFile: clientCaFile } = values
  if (certFile === undefined || keyFile === undefined) return undefined
  const files = { certFile, keyFile, clientCaFile }
  try {
    return {
      files,
      first: readTls(files),
      clientAuth: clientCaFile === undefined ? 'none' : (values.tlsClientAuth ?? 'require'),
      reloadIntervalMs: values.tlsReloadIntervalMs,
    }
  } catch (thrown) {
    throw thrown instanceof TlsFileError ? new InvalidSettings([thrown]) : thrown
  }
}
