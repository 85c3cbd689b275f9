import { readSettings, WrongSettings, type Environment, type Values } from '@pixelflow/fabric/config'
import { bytes, duration, flag, integer, port, secret, text, type Setting } from '@pixelflow/fabric/setting'
import { fabricSettings } from '@pixelflow/fabric/settings'
import { isLoopback } from './accounts/origin.ts'
import { parseTokens, type TokenTable } from './accounts/tokens.ts'

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
  host: text('PIXELFLOW_HOST', {
    fallback: '127.0.0.1',
    expects: 'an IP address or host name of this machine',
    pattern: /^[A-Za-z0-9_.:[\]-]+$/,
    help: 'Address to listen on. Any but a loopback one needs PIXELFLOW_API_TOKENS.',
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
      help: 'Who may call, by which bearer token. Without it everybody on this machine is the account local.',
    }),
    parse: parseTokens,
  } as Setting<TokenTable | undefined>,
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
    max: 255_000,
    help: 'How long an upload may pause before it is given up.',
  }),
  uploadMemoryBytes: bytes('PIXELFLOW_UPLOAD_MEMORY', {
    fallback: 64 * MiB,
    min: 4 * MiB,
    max: 16 * GiB,
    help: 'Bytes of all uploads together that may be on their way to the store at one time.',
  }),
  downloadSpoolBytes: bytes('PIXELFLOW_DOWNLOAD_SPOOL', {
    fallback: 4 * GiB,
    min: 64 * MiB,
    max: 16_384 * GiB,
    help: 'Disk under PIXELFLOW_DATA_DIR that large downloads under way may take together; one larger than that goes alone.',
  }),
  sseHeartbeatMs: duration('PIXELFLOW_SSE_HEARTBEAT', {
    fallback: 15_000,
    min: 100,
    max: 300_000,
    help: 'How often a quiet event stream gives a sign of life.',
  }),
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
export const settingsTable = { ...fabricSettings, ...gatewaySettings }

export type GatewayConfig = Values<typeof settingsTable>

/** @throws WrongSettings, also for an address that others reach while no tokens are configured. */
export function readConfig(env: Environment): GatewayConfig {
  const config = readSettings(settingsTable, env)
  if (config.apiTokens === undefined && !isLoopback(config.host)) {
    throw new WrongSettings([
      {
        variable: `PIXELFLOW_HOST=${JSON.stringify(config.host)}`,
        problem: 'can be reached by other machines, and no tokens are configured',
        remedy: 'Set PIXELFLOW_API_TOKENS (or PIXELFLOW_API_TOKENS_FILE), or listen on 127.0.0.1.',
      },
    ])
  }
  if (config.httpPort !== 0 && config.httpPort === config.grpcPort) {
    throw new WrongSettings([
      {
        variable: `PIXELFLOW_GRPC_PORT=${config.grpcPort}`,
        problem: 'is the port of PIXELFLOW_HTTP_PORT',
        remedy: 'Give the two different ports.',
      },
    ])
  }
  return config
}
