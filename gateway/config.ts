import {
  readSettings,
  WrongSettings,
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
import { isLoopback } from './accounts/check-origin.ts'
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
    help: 'Port of the page and the REST interface; 0 takes a free one.',
  }),
  grpcPort: port('PIXELFLOW_GRPC_PORT', {
    fallback: 50_051,
    help: 'Port of the gRPC interface; 0 takes a free one.',
  }),
  grpcConnectionAgeMs: duration('PIXELFLOW_GRPC_CONNECTION_AGE', {
    fallback: 300_000,
    min: 1000,
    max: 7 * 86_400_000,
    help: 'How old a gRPC connection grows before its client is asked to make another, so that calls spread anew over all gateways.',
  }),
  grpcKeepaliveMs: duration('PIXELFLOW_GRPC_KEEPALIVE', {
    fallback: 60_000,
    min: 1000,
    max: 7_200_000,
    help: 'How long a gRPC connection may be quiet before its client is asked whether it is still there; without an answer within 20 s it is ended.',
  }),
  host: text('PIXELFLOW_HOST', {
    fallback: '127.0.0.1',
    expects: 'an IP address or host name of this machine',
    pattern: /^[A-Za-z0-9_.:[\]-]+$/,
    help: 'Address to listen on. Any but a loopback one needs PIXELFLOW_API_TOKENS or PIXELFLOW_TLS_CLIENT_CA_FILE.',
  }),
  dataDir: text('PIXELFLOW_DATA_DIR', {
    fallback: '.pixelflow',
    expects: 'the path of a folder',
    help: 'Folder for what the gateway keeps on disk: the task list, and large downloads under way. Nothing in it is lost for good when it is deleted.',
  }),
  uiDir: text('PIXELFLOW_UI_DIR', {
    fallback: undefined,
    shownFallback: 'built into ui/dist when needed',
    expects: 'the path of a folder with a built page',
    help: 'Folder of the page to serve.',
  }),
  apiTokens: {
    ...secret('PIXELFLOW_API_TOKENS', {
      expects: 'pairs such as alice:a-long-random-token,bob:another-one, separated by commas or line breaks',
      help: 'Who may call, by which bearer token; root:a-third-one:admin may also do what operators do. Without it everybody on this machine is the account local, and an operator.',
    }),
    parse: parseTokens,
  } as Setting<TokenTable | undefined>,
  tlsCertFile: text('PIXELFLOW_TLS_CERT_FILE', {
    fallback: undefined,
    expects: 'the path of a certificate in PEM, its chain behind it',
    help: 'Certificate for TLS, on the HTTP port and the gRPC port. New files are taken up while the gateway runs.',
  }),
  tlsKeyFile: text('PIXELFLOW_TLS_KEY_FILE', {
    fallback: undefined,
    expects: 'the path of the private key of that certificate, in PEM and without a passphrase',
    help: 'Private key for TLS.',
  }),
  tlsClientCaFile: text('PIXELFLOW_TLS_CLIENT_CA_FILE', {
    fallback: undefined,
    expects: 'the path of the certificates of authorities, in PEM',
    help: 'Authorities that sign client certificates; with them a certificate says for which account a call is made.',
  }),
  tlsClientAuth: choice('PIXELFLOW_TLS_CLIENT_AUTH', ['require', 'optional'], {
    fallback: undefined,
    shownFallback: 'require where there are client authorities',
    help: 'Whether every call needs a client certificate, or a token does as well.',
  }),
  tlsReloadIntervalMs: duration('PIXELFLOW_TLS_RELOAD_INTERVAL', {
    fallback: 5000,
    min: 100,
    max: 86_400_000,
    help: 'How often the files of TLS are looked at for changes.',
  }),
  maxUploadBytes: bytes('PIXELFLOW_MAX_UPLOAD_BYTES', {
    fallback: 512 * MiB,
    min: 1,
    max: 1024 * GiB,
    help: 'Largest image file that is taken.',
  }),
  maxPixels: integer('PIXELFLOW_MAX_PIXELS', {
    fallback: 100_000_000,
    min: 1,
    max: 4_000_000_000,
    help: 'Most pixels (width × height) that an image may have.',
  }),
  uploadIdleTimeoutMs: duration('PIXELFLOW_UPLOAD_IDLE_TIMEOUT', {
    fallback: 60_000,
    min: 1000,
    // The server's own timeout, 255 s at most, comes 60 s later.
    max: 195_000,
    help: 'How long an upload may pause before it is given up.',
  }),
  uploadMemoryBytes: bytes('PIXELFLOW_UPLOAD_MEMORY', {
    fallback: 64 * MiB,
    min: 4 * MiB,
    max: 16 * GiB,
    help: 'Bytes of all uploads together that may be on their way to the store at one time.',
  }),
  requestMemoryBytes: bytes('PIXELFLOW_REQUEST_MEMORY', {
    fallback: 128 * MiB,
    min: 8 * MiB,
    max: 64 * GiB,
    help: 'Bytes of all requests together that are held in memory until they are whole or passed on: messages of gRPC, Connect and WebSockets, JSON, fields of forms, and the first 512 KiB of each upload. Further ones are refused with overloaded.',
  }),
  requestMemoryPerAccountBytes: bytes('PIXELFLOW_REQUEST_MEMORY_PER_ACCOUNT', {
    fallback: 64 * MiB,
    min: 8 * MiB,
    max: 64 * GiB,
    help: 'How much of it one account may hold; all of it where calls need no credentials.',
  }),
  requestMemoryPerPeerBytes: bytes('PIXELFLOW_REQUEST_MEMORY_PER_PEER', {
    fallback: 16 * MiB,
    min: 128 * KiB,
    max: 64 * GiB,
    help: 'How much of it one address may hold by calls that need no credentials: versions, health, reflection. Each open call counts 16 KiB.',
  }),
  inlineMaxBytes: bytes('PIXELFLOW_INLINE_MAX_BYTES', {
    fallback: 16 * MiB,
    min: 0,
    max: 64 * MiB,
    help: 'Largest image file that is processed without being stored when its caller waits for the picture; a larger one is processed as a task, and the caller waits for that.',
  }),
  inlineMemoryBytes: bytes('PIXELFLOW_INLINE_MEMORY', {
    fallback: 128 * MiB,
    min: 0,
    max: 64 * GiB,
    help: 'Bytes of all such files and their results together that are held in memory; what does not fit goes by way of the store.',
  }),
  processTimeoutMs: duration('PIXELFLOW_PROCESS_TIMEOUT', {
    fallback: 60_000,
    min: 100,
    max: 3_600_000,
    help: 'How long a caller who waits for the picture waits at most, once the file has come; then the work is ended with deadline_exceeded.',
  }),
  accountInteractive: integer('PIXELFLOW_ACCOUNT_INTERACTIVE', {
    fallback: 16,
    min: 0,
    max: 1_000_000,
    help: 'Interactive tasks that one account may have waiting and running at once; further ones wait in the bulk lane, where accounts take turns. With tokens it is at most half of the images that all actors work on at once, and at least 2.',
  }),
  accountQueued: integer('PIXELFLOW_ACCOUNT_QUEUED', {
    fallback: 100_000,
    min: 1,
    max: 100_000_000,
    help: 'Tasks of one account that may wait at once, whichever lane they wait in; further ones are refused with too_many_tasks.',
  }),
  downloadSpoolBytes: bytes('PIXELFLOW_DOWNLOAD_SPOOL', {
    fallback: 4 * GiB,
    min: 64 * MiB,
    max: 16_384 * GiB,
    help: 'Disk under PIXELFLOW_DATA_DIR that large downloads under way may take together; one larger than that goes alone.',
  }),
  corsOrigins: list('PIXELFLOW_CORS_ORIGINS', {
    fallback: [] as readonly string[],
    expects: 'an origin such as https://app.example or http://localhost:8080, or * for every page',
    pattern: /^(?:\*|https?:\/\/[^\s/?#@]+)$/,
    help: 'Pages of other origins that may call from a browser, over REST, Connect and gRPC-Web; * only where there are tokens.',
  }),
  metrics: choice('PIXELFLOW_METRICS', metricsAccess, {
    fallback: 'token',
    help: 'Who may read /metrics: token: whoever may call, so with a token where there are tokens; open: whoever reaches the port; off: nobody.',
  }),
  sseHeartbeatMs: duration('PIXELFLOW_SSE_HEARTBEAT', {
    fallback: 15_000,
    min: 100,
    max: 300_000,
    help: 'How often a quiet event stream gives a sign of life.',
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
    help: 'How long a picture may be tuned without a change before its session is ended.',
  }),
  ...sweepSettings,
  drainTimeoutMs: duration('PIXELFLOW_DRAIN_TIMEOUT', {
    fallback: 8000,
    min: 0,
    max: 600_000,
    help: 'How long requests under way may take after SIGTERM.',
  }),
  exitWithParent: flag('PIXELFLOW_EXIT_WITH_PARENT', {
    fallback: false,
    help: 'Whether to end when standard input closes, as it does when the process that started this one dies.',
  }),
}

/** All that a gateway process reads. */
export const settingsTable = { ...natsSettings, ...logSettings, ...gatewaySettings }

export interface GatewayConfig extends Values<typeof settingsTable> {
  /** Undefined where both ports speak plainly. */
  readonly tls: TlsConfig | undefined
}

/** @throws WrongSettings, also for an address that others reach while nobody could tell who they are. */
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
      'is the port of PIXELFLOW_HTTP_PORT',
      'Give the two different ports.',
    )
  }
  requireGrace(config)
  if (config.corsOrigins.includes('*') && config.apiTokens === undefined) {
    throw wrong(
      'PIXELFLOW_CORS_ORIGINS="*"',
      'would let every page in the browser act here, because calls need no token',
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
      throw missing(given, needed, 'TLS needs both: ./pixelflow certs makes them.')
  }
  if (tlsClientAuth !== undefined && clientCaFile === undefined) {
    const remedy = 'Name the authorities that sign client certificates, or leave both out.'
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
    throw thrown instanceof TlsFileError ? new WrongSettings([thrown]) : thrown
  }
}

function wrong(variable: string, problem: string, remedy: string): WrongSettings {
  return new WrongSettings([{ variable, problem, remedy }])
}
