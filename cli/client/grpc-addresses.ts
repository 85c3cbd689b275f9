import { CliError } from '../cli-error.ts'

/** gRPC addresses over which calls are balanced. `isEncrypted` is undefined when the certificates decide it. */
export interface GrpcAddresses {
  readonly addresses: readonly string[]
  readonly isEncrypted: boolean | undefined
}

const defaultPort = 50_051

/**
 * Parses the addresses of `--grpc`: each is `host`, `host:port` or `dns:///name:port`, or begins with `https://` for TLS with
 * the authorities of the system.
 * @throws CliError `usage`.
 */
export function readGrpcAddresses(given: readonly string[]): GrpcAddresses {
  const read = given
    .map((one) => one.trim())
    .map((one) => /^(?:(https?):\/\/|dns:(?:\/\/\/)?)?([^/,\s]+)\/?$/.exec(one))
  const wrong = read.findIndex((one) => one === null)
  if (given.length === 0 || wrong >= 0) {
    throw new CliError('usage', `--grpc ${given[wrong] ?? ''} is not the address of a gRPC port.`, {
      field: '--grpc',
      remedy:
        'Write host:50051, several addresses separated by commas, or dns:///name:50051 for all addresses of a name.',
    })
  }
  const schemes = new Set(read.map((one) => one?.[1]).filter((one) => one !== undefined))
  if (schemes.size > 1) {
    throw new CliError('usage', '--grpc mixes encrypted and plain addresses.', {
      field: '--grpc',
      remedy: 'Use https:// for all addresses or for none.',
    })
  }
  return {
    addresses: read.map((one) => withPort(one?.[2] ?? '')),
    isEncrypted: schemes.size === 0 ? undefined : schemes.has('https'),
  }
}

/** The gRPC address on the machine of an HTTP address. */
export function defaultGrpcAddresses(url: string, port: number): GrpcAddresses {
  const { protocol, hostname } = new URL(url)
  return { addresses: [`${hostname}:${port}`], isEncrypted: protocol === 'https:' }
}

function withPort(name: string): string {
  return /^(?:[^:]+|\[[^\]]*\])$/.test(name) ? `${name}:${defaultPort}` : name
}
