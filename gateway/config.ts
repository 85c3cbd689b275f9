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
  flag,
  integer,
  list,
  port,
  secret,
  text,
  type Setting,
} from '@pixelflow/platform/config/setting'
import { natsSettings } from '@pixelflow/nats/nats-settings'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import { isLoopback } from './accounts/require-same-origin.ts'
import { metricsAccess } from './metrics/metrics-access.ts'
import { parseTokens, type TokenTable } from './accounts/token-table.ts'
import { requireGrace, sweepSettings } from './sweep-settings.ts'
import { readTls, type TlsConfig } from './tls/watch-tls.ts'
import { TlsFileError } from './tls/tls-material.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30

/** Settings of the gateway. */
export const gatewaySettings = {
  httpPort: port('PIXELFLOW_HTTP_PORT', {
    fallback: 3000,
    help: 'Port of the page and the REST API; 0 selects a free port.',
  }),
  grpcPort: port('PIXELFLOW_GRPC_PORT', {
    fallback: 50_051,
    help: 'Port of the gRPC API; 0 selects a free port.',
  }),
  grpcConnectionAgeMs: duration('PIXELFLOW_GRPC_CONNECTION_AGE', {
    fallback: 300_000,
    min: 1000,
    max: 7 * 86_400_000,
    help: 'Age at which a gRPC client is asked to reconnect (GOAWAY), so that calls are balanced over all gateways.',
  }),
  grpcKeepaliveMs: duration('PIXELFLOW_GRPC_KEEPALIVE', {
    fallback: 60_000,
    min: 1000,
    max: 7_200_000,
    help: 'Idle time after which a gRPC connection is pinged; without an answer within 20 s it is closed.',
  }),
  host: text('PIXELFLOW_HOST', {
    fallback: '127.0.0.1',
    expects: 'an IP address or host name of this machine',
    pattern: /^[A-Za-z0-9_.:[\]-]+$/,
    help: 'Address to listen on. An address that is not loopback requires PIXELFLOW_API_TOKENS or PIXELFLOW_TLS_CLIENT_CA_FILE.',
  }),
  dataDir: text('PIXELFLOW_DATA_DIR', {
    fallback: '.pixelflow',
    expects: 'the path of a folder',
    help: 'Folder for the task list and for large downloads in progress. The task list is rebuilt when the folder is deleted.',
  }),
  uiDir: text('PIXELFLOW_UI_DIR', {
    fallback: undefined,
    shownFallback: 'built into ui/dist when needed',
    expects: 'the path of a folder with a built page',
    help: 'Folder of the built page.',
  }),
  apiTokens: {
    ...secret('PIXELFLOW_API_TOKENS', {
      expects: 'pairs such as alice:a-long-random-token,bob:another-one, separated by commas or line breaks',
      help: 'Accounts and their bearer tokens; the suffix :admin, as in root:a-third-one:admin, allows operator calls. Without tokens, all callers on this machine are the account local and may make operator calls.',
    }),
    parse: parseTokens,
  } as Setting<TokenTable | undefined>,
  tlsCertFile: text('PIXELFLOW_TLS_CERT_FILE', {
    fallback: undefined,
    expects: 'the path of a certificate in PEM, its chain behind it',
    help: 'Certificate for TLS on the HTTP port and the gRPC port. A changed file is loaded while the gateway runs.',
  }),
  tlsKeyFile: text('PIXELFLOW_TLS_KEY_FILE', {
    fallback: undefined,
    expects: 'the path of the private key of that certificate, in PEM and without a passphrase',
    help: 'Private key for TLS.',
  }),
  tlsClientCaFile: text('PIXELFLOW_TLS_CLIENT_CA_FILE', {
    fallback: undefined,
    expects: 'the path of the certificates of authorities, in PEM',
    help: 'Certificate authorities for client certificates. A client certificate identifies the account of a call.',
  }),
  tlsClientAuth: choice('PIXELFLOW_TLS_CLIENT_AUTH', ['require', 'optional'], {
    fallback: undefined,
    shownFallback: 'require when PIXELFLOW_TLS_CLIENT_CA_FILE is set',
    help: 'Whether every call requires a client certificate, or a token is enough.',
  }),
  tlsReloadIntervalMs: duration('PIXELFLOW_TLS_RELOAD_INTERVAL', {
    fallback: 5000,
    min: 100,
    max: 86_400_000,
    help: 'How often the TLS files are checked for changes.',
  }),
  maxUploadBytes: bytes('PIXELFLOW_MAX_UPLOAD_BYTES', {
    fallback: 512 * MiB,
    min: 1,
    max: 1024 * GiB,
    help: 'Largest image file that is accepted.',
  }),
  maxPixels: integer('PIXELFLOW_MAX_PIXELS', {
    fallback: 100_000_000,
    min: 1,
    max: 4_000_000_000,
    help: 'Largest number of pixels (width × height) of an image.',
  }),
  uploadIdleTimeoutMs: duration('PIXELFLOW_UPLOAD_IDLE_TIMEOUT', {
    fallback: 60_000,
    min: 1000,
    // The server's own timeout, at most 255 s, is 60 s longer.
    max: 195_000,
    help: 'How long an upload may pause before it is aborted.',
  }),
  uploadMemoryBytes: bytes('PIXELFLOW_UPLOAD_MEMORY', {
    fallback: 64 * MiB,
    min: 4 * MiB,
    max: 16 * GiB,
    help: 'Memory for all uploads together that are being sent to the store.',
  }),
  requestMemoryBytes: bytes('PIXELFLOW_REQUEST_MEMORY', {
    fallback: 128 * MiB,
    min: 8 * MiB,
    max: 64 * GiB,
    help: 'Memory for all requests together that are buffered: gRPC, Connect and WebSocket messages, JSON, form fields, and the first 512 KiB of each upload. Further requests are refused with overloaded.',
  }),
  requestMemoryPerAccountBytes: bytes('PIXELFLOW_REQUEST_MEMORY_PER_ACCOUNT', {
    fallback: 64 * MiB,
    min: 8 * MiB,
    max: 64 * GiB,
    help: 'Share of PIXELFLOW_REQUEST_MEMORY for one account; all of it when calls need no credentials.',
  }),
  requestMemoryPerPeerBytes: bytes('PIXELFLOW_REQUEST_MEMORY_PER_PEER', {
    fallback: 16 * MiB,
    min: 128 * KiB,
    max: 64 * GiB,
    help: 'Share of PIXELFLOW_REQUEST_MEMORY for the unauthenticated calls of one address: version, health, reflection. Each open call counts 16 KiB.',
  }),
  inlineMaxBytes: bytes('PIXELFLOW_INLINE_MAX_BYTES', {
    fallback: 16 * MiB,
    min: 0,
    max: 64 * MiB,
    help: 'Largest image file that a process call keeps in memory; a larger one is stored and processed as a task, for which the call waits.',
  }),
  inlineMemoryBytes: bytes('PIXELFLOW_INLINE_MEMORY', {
    fallback: 128 * MiB,
    min: 0,
    max: 64 * GiB,
    help: 'Memory for all images of process calls and their results together; an image that does not fit is stored.',
  }),
  processTimeoutMs: duration('PIXELFLOW_PROCESS_TIMEOUT', {
    fallback: 60_000,
    min: 100,
    max: 3_600_000,
    help: 'Longest time of a process call after its file has arrived; then it fails with deadline_exceeded.',
  }),
  accountInteractive: integer('PIXELFLOW_ACCOUNT_INTERACTIVE', {
    fallback: 16,
    min: 0,
    max: 1_000_000,
    help: 'Interactive tasks of one account that may be queued or running at once; further ones use the bulk lane, which is shared fairly between accounts. With tokens, the limit is at most half of the workers of all actors, and at least 2.',
  }),
  accountQueued: integer('PIXELFLOW_ACCOUNT_QUEUED', {
    fallback: 100_000,
    min: 1,
    max: 100_000_000,
    help: 'Tasks of one account that may be queued at once, in both lanes; further ones are refused with too_many_tasks.',
  }),
  downloadSpoolBytes: bytes('PIXELFLOW_DOWNLOAD_SPOOL', {
    fallback: 4 * GiB,
    min: 64 * MiB,
    max: 16_384 * GiB,
    help: 'Disk space under PIXELFLOW_DATA_DIR for all large downloads in progress; a download that is larger runs alone.',
  }),
  corsOrigins: list('PIXELFLOW_CORS_ORIGINS', {
    fallback: [] as readonly string[],
    expects: 'an origin such as https://app.example or http://localhost:8080, or * for every origin',
    pattern: /^(?:\*|https?:\/\/[^\s/?#@]+)$/,
    help: 'Other origins whose pages may call from a browser, over REST, Connect and gRPC-Web; * requires tokens.',
  }),
  metrics: choice('PIXELFLOW_METRICS', metricsAccess, {
    fallback: 'token',
    help: 'Who may read /metrics. token: every caller with valid credentials; open: every caller; off: no caller.',
  }),
  sseHeartbeatMs: duration('PIXELFLOW_SSE_HEARTBEAT', {
    fallback: 15_000,
    min: 100,
    max: 300_000,
    help: 'How often an idle event stream sends a heartbeat.',
  }),
  tuneSessions: integer('PIXELFLOW_TUNE_SESSIONS', {
    fallback: 16,
    min: 1,
    max: 4096,
    help: 'Tuning sessions that one account may have open on this gateway at once.',
  }),
  tuneIdleTimeoutMs: duration('PIXELFLOW_TUNE_IDLE_TIMEOUT', {
    fallback: 300_000,
    min: 1000,
    max: 86_400_000,
    help: 'How long a tuning session may be idle before it is ended.',
  }),
  ...sweepSettings,
  drainTimeoutMs: duration('PIXELFLOW_DRAIN_TIMEOUT', {
    fallback: 8000,
    min: 0,
    max: 600_000,
    help: 'How long running requests may take after SIGTERM.',
  }),
  exitWithParent: flag('PIXELFLOW_EXIT_WITH_PARENT', {
    fallback: false,
    help: 'Exit when standard input closes, which happens when the parent process dies.',
  }),
}

/** All settings of a gateway process. */
export const settingsTable = { ...natsSettings, ...logSettings, ...gatewaySettings }

export interface GatewayConfig extends Values<typeof settingsTable> {
  /** Undefined when both ports use no TLS. */
  readonly tls: TlsConfig | undefined
}

/** @throws InvalidSettings for invalid settings, such as a public address without authentication. */
export function readConfig(env: Environment): GatewayConfig {
  const config = readSettings(settingsTable, env)
  const tls = tlsOf(config)
  if (config.apiTokens === undefined && config.tlsClientCaFile === undefined && !isLoopback(config.host)) {
    throw wrong(
      `PIXELFLOW_HOST=${JSON.stringify(config.host)}`,
      'can be reached by other machines, and neither tokens nor client certificates are configured',
      'Set PIXELFLOW_API_TOKENS (or PIXELFLOW_API_TOKENS_FILE) or PIXELFLOW_TLS_CLIENT_CA_FILE, or listen on 127.0.0.1.',
    )
  }
  if (config.httpPort !== 0 && config.httpPort === config.grpcPort) {
    throw wrong(
      `PIXELFLOW_GRPC_PORT=${config.grpcPort}`,
      'is also PIXELFLOW_HTTP_PORT',
      'Set two different ports.',
    )
  }
  requireGrace(config)
  if (config.corsOrigins.includes('*') && config.apiTokens === undefined) {
    throw wrong(
      'PIXELFLOW_CORS_ORIGINS="*"',
      'would allow calls from every page in a browser, because calls need no token',
      'Name the origins, or set PIXELFLOW_API_TOKENS.',
    )
  }
  return { ...config, tls }
}

function tlsOf(values: Values<typeof gatewaySettings>): TlsConfig | undefined {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile, tlsClientCaFile: clientCaFile, tlsClientAuth } = values
  const missing = (given: string, needed: string, remedy: string) =>
    wrong(given, `is set, and ${needed} is not`, remedy)
  if (certFile === undefined || keyFile === undefined) {
    const [given, needed] = certFile
      ? ['PIXELFLOW_TLS_CERT_FILE', 'PIXELFLOW_TLS_KEY_FILE']
      : [keyFile ? 'PIXELFLOW_TLS_KEY_FILE' : 'PIXELFLOW_TLS_CLIENT_CA_FILE', 'PIXELFLOW_TLS_CERT_FILE']
    if (certFile ?? keyFile ?? clientCaFile)
      throw missing(given, needed, 'Set both. ./pixelflow certs creates a certificate and a key.')
  }
  if (tlsClientAuth !== undefined && clientCaFile === undefined) {
    const remedy = 'Set PIXELFLOW_TLS_CLIENT_CA_FILE, or leave both out.'
    throw missing('PIXELFLOW_TLS_CLIENT_AUTH', 'PIXELFLOW_TLS_CLIENT_CA_FILE', remedy)
  }
  if (certFile === undefined || keyFile === undefined) return undefined
  const files = { certFile, keyFile, clientCaFile }
  try {
    return {
      files,
      first: readTls(files),
      clientAuth: clientCaFile === undefined ? 'none' : (tlsClientAuth ?? 'require'),
      reloadIntervalMs: values.tlsReloadIntervalMs,
    }
  } catch (thrown) {
    throw thrown instanceof TlsFileError ? new InvalidSettings([thrown]) : thrown
  }
}

function wrong(variable: string, problem: string, remedy: string): InvalidSettings {
  return new InvalidSettings([{ variable, problem, remedy }])
}
