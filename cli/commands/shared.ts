import type { Command } from 'commander'
import type { Client } from '@pixelflow/client'
import { besides, readGrpcAddresses, type GrpcAddresses } from '../client/addresses.ts'
import { readCertificates, type Certificates } from '../client/certificates.ts'
import { openServer } from '../client/server.ts'
import type { Context } from '../context.ts'
import { Exit } from '../exit.ts'
import { borrowServer } from '../stack/borrow.ts'
import { openOutlet, type Outlet, type OutletOptions } from '../terminal/outlet.ts'

/** Options of every command that talks to a server. */
export interface ClientOptions {
  readonly server?: string
  readonly token?: string
  readonly json?: boolean
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Addresses with commas between them, or true for the usual one. */
  readonly grpc?: string | true
}

/** Adds them. */
export function clientOptions(command: Command): Command {
  return command
    .option(
      '-s, --server <url>',
      'address of the server (default: PIXELFLOW_URL, else this machine)',
      address,
    )
    .option(
      '--token <token>',
      'bearer token; better kept in PIXELFLOW_TOKEN, where no list of processes shows it',
    )
    .option('--ca <file>', "who may have signed the server's certificate (PIXELFLOW_CA_FILE)")
    .option('--cert <file>', 'certificate to show to the server (PIXELFLOW_CERT_FILE)')
    .option('--key <file>', 'its private key (PIXELFLOW_KEY_FILE)')
    .option('--json', 'write JSON: one value a line, the result last')
}

/** Those, and the choice of gRPC. */
export function grpcOptions(command: Command): Command {
  return clientOptions(command).option(
    '--grpc [addresses]',
    'talk gRPC, round over the addresses: host:port,host:port or dns:///name:port\n' +
      "(default: PIXELFLOW_GRPC_URL, else the server's own machine)",
  )
}

/** Examples at the end of a command's help; settings may stand in front of one. */
export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText(
    'after',
    `\nExamples:\n${lines.map((line) => `  $ ${line.replace(/^(?:[A-Z_]+=\S+ )*/, '$&./pixelflow ')}`).join('\n')}`,
  )
}

function address(value: string): string {
  const url = URL.parse(value)
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') return url.origin
  throw new Exit('usage', `--server ${value} is no address of a server.`, {
    remedy: 'Write it as http://127.0.0.1:3000 or https://pixelflow.example.com.',
  })
}

/** The server as the options, else the environment, name it. Nothing is started, nothing is asked yet. */
export function serverOf(context: Context, options: ClientOptions): Promise<Client> {
  const { config, interrupts } = context
  return openServer({
    url: options.server ?? config.serverUrl,
    grpc:
      options.grpc === undefined
        ? undefined
        : (addressesOf(context, options) ?? usualAddress(context, options)),
    token: options.token ?? config.token,
    certificates: certificatesOf(context, options),
    signal: interrupts.signal,
  })
}

/** The gRPC ports that somebody named; undefined when nobody did. */
function addressesOf({ config }: Context, { grpc }: ClientOptions): GrpcAddresses | undefined {
  const named = typeof grpc === 'string' ? grpc.split(',') : config.grpcUrl
  return named && readGrpcAddresses(named)
}

function usualAddress({ config }: Context, { server }: ClientOptions): GrpcAddresses {
  return besides(server ?? config.serverUrl, config.grpcPort)
}

export function certificatesOf(
  { config, cwd }: Context,
  { ca, cert, key }: ClientOptions,
): Certificates | undefined {
  // A certificate of the command line does not go with a key of the environment.
  const own =
    cert === undefined && key === undefined ? { cert: config.certFile, key: config.keyFile } : { cert, key }
  return readCertificates({ ca: ca ?? config.caFile, ...own }, cwd)
}

/** Does something with a server; one of this machine is started for it if none answers. */
export async function withServer<T>(
  context: Context,
  options: ClientOptions,
  say: (text: string) => void,
  use: (server: Client) => Promise<T>,
): Promise<T> {
  const { config, interrupts } = context
  if (options.grpc !== undefined && addressesOf(context, options) !== undefined) {
    await using server = await serverOf(context, options)
    return await use(server)
  }
  await using borrowed = await borrowServer({
    config,
    server: options.server,
    certificates: certificatesOf(context, options),
    signal: interrupts.signal,
    say,
  })
  const isGrpcKnown = options.grpc === true && borrowed.grpc !== undefined
  await using server = await serverOf(context, {
    ...options,
    server: borrowed.url,
    ...(isGrpcKnown ? { grpc: borrowed.grpc } : {}),
  })
  return await use(server)
}

export function outletFor(
  { config }: Context,
  options: ClientOptions,
  more: Partial<OutletOptions> = {},
): Outlet {
  return openOutlet({ json: options.json === true, colour: config.colour, ...more })
}

/** Value of `--limit`. */
export function count(value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= 1 && number <= 200) return number
  throw new Exit('usage', `--limit ${value} is not a whole number from 1 to 200.`)
}
