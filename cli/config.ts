import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readSettings, type Environment, type Values } from '@pixelflow/platform/config/read-settings'
import { natsUrlSetting } from '@pixelflow/nats/nats-settings'
import { sharedSettings } from '@pixelflow/platform/config/shared-settings'
import { logSettings } from '@pixelflow/platform/telemetry/log-settings'
import { traceSettings } from '@pixelflow/platform/telemetry/tracing/trace-settings'
import { choice, list, port, secret, text } from '@pixelflow/platform/config/setting'

/** Settings of the command line and of the processes that it starts. */
export const cliSettings = {
  url: text('PIXELFLOW_URL', {
    default: undefined,
    defaultDescription: 'http://127.0.0.1:3000',
    expects: 'an address such as http://127.0.0.1:3000 or https://pixelflow.example.com',
    pattern: /^https?:\/\/[^\s/?#]+\/?$/,
    help: 'The server that the client commands call.',
  }),
  token: secret('PIXELFLOW_TOKEN', {
    expects: 'a token that the server accepts',
    help: 'The bearer token that the client commands send.',
  }),
  grpcUrl: list('PIXELFLOW_GRPC_URL', {
    default: undefined,
    defaultDescription: 'the server of PIXELFLOW_URL, on PIXELFLOW_GRPC_PORT',
    expects: 'an address such as 127.0.0.1:50051 or dns:///gateways:50051',
    pattern: /^(?:https?:\/\/|dns:\/\/\/)?[^\s/,]+\/?$/,
    help: 'The gRPC addresses over which client commands with `--grpc` balance their calls.',
  }),
  caFile: text('PIXELFLOW_CA_FILE', {
    default: undefined,
    defaultDescription: 'the authorities that the system trusts',
    expects: 'the path of a PEM file',
    help: 'The certificate authority of the server that client commands call.',
  }),
  certFile: text('PIXELFLOW_CLIENT_CERT_FILE', {
    default: undefined,
    expects: 'the path of a PEM file',
    former: 'PIXELFLOW_CERT_FILE',
    help: 'The client certificate of client commands, where a server requires one.',
  }),
  keyFile: text('PIXELFLOW_CLIENT_KEY_FILE', {
    default: undefined,
    expects: 'the path of a PEM file',
    former: 'PIXELFLOW_KEY_FILE',
    help: 'The private key of that certificate.',
  }),
  natsServer: text('PIXELFLOW_NATS_SERVER_PATH', {
    default: undefined,
    expects: 'the path of a nats-server, 2.12 or newer',
    former: 'PIXELFLOW_NATS_SERVER',
    help: 'The nats-server that `up` starts. Unset: the one on PATH, in the cache, downloaded, or built with Go.',
  }),
  natsDownloadUrl: text('PIXELFLOW_NATS_DOWNLOAD_URL', {
    default: 'https://github.com/nats-io/nats-server/releases/download',
    expects: 'an address that <version>/SHA256SUMS and the archives are appended to',
    pattern: /^https?:\/\/\S+$/,
    help: 'Where nats-server is downloaded from; for mirrors.',
  }),
  cacheDir: text('PIXELFLOW_CACHE_DIR', {
    default: undefined,
    defaultDescription: '~/.cache/pixelflow',
    expects: 'the path of a folder',
    help: 'Folder of downloaded and built tools. `XDG_CACHE_HOME` changes the default.',
  }),
  dieWithParent: choice('PIXELFLOW_PARENT_DEATH_DETECTION', ['pdeathsig', 'pipe'], {
    default: undefined,
    defaultDescription: 'pdeathsig where setpriv offers it, else pipe',
    former: 'PIXELFLOW_LEASH',
    help: 'How the processes of `up` detect that it was killed.',
  }),
  chromium: text('PIXELFLOW_CHROMIUM', {
    default: undefined,
    expects: 'the path of a Chromium or Chrome',
    help: 'The browser of the browser test. Unset: the one on PATH.',
  }),
}

/** Settings of the services that `up` and the client commands also read. The services document them. */
const serviceSettings = {
  host: text('PIXELFLOW_HOST', {
    default: '127.0.0.1',
    expects: 'an address to listen on',
    help: 'Address that the gateway listens on.',
  }),
  httpPort: port('PIXELFLOW_HTTP_PORT', { default: 3000, help: 'Port of the HTTP interface.' }),
  grpcPort: port('PIXELFLOW_GRPC_PORT', {
    default: 50_051,
    help: 'Port of the gRPC interface; 0 takes a free one.',
  }),
  tlsCertFile: text('PIXELFLOW_TLS_CERT_FILE', {
    default: undefined,
    expects: 'the path of a certificate in PEM',
    help: 'Certificate that the gateway serves TLS with.',
  }),
  dataDir: text('PIXELFLOW_DATA_DIR', {
    default: undefined,
    expects: 'the path of a folder',
    help: 'Folder of all stored data.',
  }),
  natsUrl: natsUrlSetting(undefined),
  drainTimeoutMs: sharedSettings.drainTimeoutMs,
  exitWithParent: sharedSettings.exitWithParent,
  traceRingFolder: traceSettings.traceRingFolder,
  traceRingBytes: traceSettings.traceRingBytes,
  ...logSettings,
}

/** Everything that a command reads from the environment. Paths are absolute. */
export interface Config extends Values<typeof cliSettings & typeof serviceSettings> {
  /** The checkout. */
  readonly root: string
  readonly dataDir: string
  readonly cacheDir: string
  /** The folder of the recent traces of this machine; undefined when they are not recorded. */
  readonly traceRingFolder: string | undefined
  /** Whether a variable sets the address of the server. */
  readonly hasAddress: boolean
  /** Base address of the server, without a slash at the end. */
  readonly serverUrl: string
  /** Whether output may have colours (https://no-color.org). */
  readonly useColor: boolean
  /** The unchanged environment, for child processes. */
  readonly env: Environment
}

/**
 * Reads the settings from the environment. Relative paths start at the current folder; the default data folder is in the
 * checkout.
 *
 * @throws InvalidSettings with every invalid variable.
 */
export function readConfig(env: Environment = process.env, cwd: string = process.cwd()): Config {
  const values = readSettings({ ...cliSettings, ...serviceSettings }, env)
  const root = resolve(import.meta.dir, '..')
  const dataDir = values.dataDir === undefined ? join(root, '.pixelflow') : resolve(cwd, values.dataDir)
  const cache = values.cacheDir ?? join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pixelflow')
  return {
    ...values,
    root,
    dataDir,
    cacheDir: resolve(cwd, cache),
    traceRingFolder: findTraceRing(values, { dataDir, cwd }),
    ...(values.natsServer === undefined ? {} : { natsServer: resolve(cwd, values.natsServer) }),
    hasAddress: values.url !== undefined || env['PIXELFLOW_HTTP_PORT'] !== undefined,
    serverUrl: (values.url ?? localUrl(values)).replace(/\/$/, ''),
    useColor: !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    env,
  }
}

/** Address of a gateway with these settings, from this machine. */
function localUrl({ host, httpPort, tlsCertFile }: Values<typeof serviceSettings>): string {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const name = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `${tlsCertFile === undefined ? 'http' : 'https'}://${name}:${httpPort}`
}

/** `up` records traces where only this machine can call it, because they cost a little and tell who calls what. */
function findTraceRing(
  { traceRingFolder, traceRingBytes, host }: Values<typeof serviceSettings>,
  { dataDir, cwd }: { readonly dataDir: string; readonly cwd: string },
): string | undefined {
  if (traceRingBytes === 0) return undefined
  if (traceRingFolder !== undefined) return resolve(cwd, traceRingFolder)
  return /^(?:localhost|127(?:\.\d+){3}|::1|\[::1\])$/.test(host) ? join(dataDir, 'traces') : undefined
}
