import { statSync } from 'node:fs'
import type { Command } from 'commander'
import type { Client } from '@pixelflow/client'
import { id } from '@pixelflow/core/image'
import { defaultGrpcAddresses, readGrpcAddresses, type GrpcAddresses } from '../client/grpc-addresses.ts'
import { readCertificates, type Certificates } from '../client/certificates.ts'
import { openClient } from '../client/open-client.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { acquireServer } from '../stack/ephemeral-server.ts'
import { locateServer, type ServerAddress } from '../stack/locate-server.ts'
import { createReporter, type Reporter, type ReporterOptions } from '../terminal/reporter.ts'

/** Options of every command that calls a server. */
export interface ServerFlags {
  readonly server?: string
  readonly token?: string
  readonly json?: boolean
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Addresses, separated by commas; true for the default. */
  readonly grpc?: string | true
}

/** Adds the options for the server and the token. */
export function addServerOptions(command: Command): Command {
  return command
    .option(
      '-s, --server <url>',
      'address of the server (default: PIXELFLOW_URL or this machine)',
      parseServerUrl,
    )
    .option('--token <token>', 'bearer token; PIXELFLOW_TOKEN is safer, because process lists show options')
}

/** Adds the options of every command that calls a server. */
export function addServerFlags(command: Command): Command {
  return addServerOptions(command)
    .option('--ca <file>', 'certificate authority of the server (PIXELFLOW_CA_FILE)')
    .option('--cert <file>', 'client certificate (PIXELFLOW_CLIENT_CERT_FILE)')
    .option('--key <file>', 'its private key (PIXELFLOW_CLIENT_KEY_FILE)')
    .option('--json', 'write JSON, one value per line; the last is the result')
}

/** Adds the same options and `--grpc`. */
export function addGrpcFlags(command: Command): Command {
  return addServerFlags(command).option(
    '--grpc [addresses]',
    'use gRPC; calls are balanced over the addresses: host:port,host:port or dns:///name:port\n' +
      '(default: PIXELFLOW_GRPC_URL or the machine of the server)',
    parseGrpcOption,
  )
}

/** `--grpc photo.jpg` takes the file as its value, and the command would have no file. */
function parseGrpcOption(value: string): string {
  if (statSync(value, { throwIfNoEntry: false })?.isFile() !== true) return value
  throw new CliError('usage', `--grpc ${value} names a file, not the address of a gRPC port.`, {
    field: '--grpc',
    remedy: `Write --grpc after the files, or with addresses: --grpc=host:50051 ${value}`,
  })
}

function parseServerUrl(value: string): string {
  const url = URL.parse(value)
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '') return url.origin
  throw new CliError('usage', `--server ${value} is not the address of a server.`, {
    remedy: 'Write it as http://127.0.0.1:3000 or https://pixelflow.example.com.',
  })
}

/** The address of the server that a command calls. */
export function locateServerFor(context: Context, options: ServerFlags): Promise<ServerAddress> {
  return locateServer({
    config: context.config,
    server: options.server,
    certificates: certificatesOf(context, options),
    signal: context.interrupts.signal,
  })
}

/** A client of the server that a command calls. Starts no server and makes no call. */
export async function openClientFor(context: Context, options: ServerFlags): Promise<Client> {
  return openClientAt(await locateServerFor(context, options), context, options)
}

function openClientAt({ url, grpc }: ServerAddress, context: Context, options: ServerFlags): Promise<Client> {
  const { config, interrupts } = context
  const defaultAddresses = () =>
    grpc === undefined
      ? defaultGrpcAddresses(url, config.grpcPort)
      : { addresses: [grpc], isEncrypted: url.startsWith('https:') }
  return openClient({
    url,
    grpc: options.grpc === undefined ? undefined : (readGrpcOption(context, options) ?? defaultAddresses()),
    token: options.token ?? config.token,
    certificates: certificatesOf(context, options),
    signal: interrupts.signal,
  })
}

/** The gRPC addresses of `--grpc` or the settings. */
function readGrpcOption({ config }: Context, { grpc }: ServerFlags): GrpcAddresses | undefined {
  const named = typeof grpc === 'string' ? grpc.split(',') : config.grpcUrl
  return named && readGrpcAddresses(named)
}

export function certificatesOf(
  { config, cwd }: Context,
  { ca, cert, key }: ServerFlags,
): Certificates | undefined {
  // Never combines a certificate of the command line with a key of the environment.
  const own =
    cert === undefined && key === undefined ? { cert: config.certFile, key: config.keyFile } : { cert, key }
  return readCertificates({ ca: ca ?? config.caFile, ...own }, cwd)
}

/** Calls `use` with a client. Starts a temporary server on this machine if none is running. */
export async function withServer<T>(
  context: Context,
  options: ServerFlags,
  say: (text: string) => void,
  use: (server: Client) => Promise<T>,
): Promise<T> {
  const { config, interrupts } = context
  if (options.grpc !== undefined && readGrpcOption(context, options) !== undefined) {
    await using server = await openClientFor(context, options)
    return await use(server)
  }
  await using acquired = await acquireServer({
    config,
    server: options.server,
    certificates: certificatesOf(context, options),
    signal: interrupts.signal,
    say,
  })
  await using server = await openClientAt(acquired, context, options)
  return await use(server)
}

export function createReporterFor(
  { config }: Context,
  options: ServerFlags,
  more: Partial<ReporterOptions> = {},
): Reporter {
  return createReporter({ json: options.json === true, useColor: config.useColor, ...more })
}

/**
 * Parses the id of a task or of another thing.
 * @throws CliError `usage` when it is not an id.
 */
export function parseId(what: string): (value: string) => string {
  return (value) => {
    if (id.safeParse(value).success) return value
    throw new CliError('usage', `${value} is not the id of a ${what}.`, {
      remedy:
        'Give a UUIDv7 in lower case, such as 01936f2e-7c5e-7abc-9def-0123456789ab. ./pixelflow tasks lists the ids of your tasks.',
    })
  }
}

/** @throws CliError `usage` when both the result and the JSON would go to standard output. */
export function requireSingleStdoutUse({ json, output }: { json?: boolean; output?: string }): void {
  if (json !== true || output !== '-') return
  throw new CliError('usage', '--json and -o - both write to standard output.', {
    field: '--output',
    remedy: 'Omit one of them.',
  })
}

/** Value of `--limit`. */
export function parseLimit(value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= 1 && number <= 200) return number
  throw new CliError('usage', `--limit ${value} is not a whole number from 1 to 200.`, {
    field: '--limit',
    remedy: 'Give a number such as 20, and continue the list with --cursor.',
  })
}
