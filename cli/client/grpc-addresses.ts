import { CliError } from '../cli-error.ts'

/** gRPC ports to go round over, and whether what is said to them is encrypted; undefined leaves that to the certificates. */
export interface GrpcAddresses {
  readonly addresses: readonly string[]
  readonly encrypted: boolean | undefined
}

const usualPort = 50_051

/**
 * Understands `--grpc`: addresses with commas between them, each `host`, `host:port`, `dns:///name:port`, or with
 * `https://` in front where the system's authorities vouch for it.
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
        'Write it as host:50051, several with commas between them, or dns:///name:50051 for all of a name.',
    })
  }
  const schemes = new Set(read.map((one) => one?.[1]).filter((one) => one !== undefined))
  if (schemes.size > 1) {
    throw new CliError('usage', '--grpc names encrypted and plain addresses.', {
      field: '--grpc',
      remedy: 'Calls go round over all of them: make them all https:// or none.',
    })
  }
  return {
    addresses: read.map((one) => withPort(one?.[2] ?? '')),
    encrypted: schemes.size === 0 ? undefined : schemes.has('https'),
  }
}

/** The gRPC port of the machine that an HTTP address names. */
export function defaultGrpcAddresses(url: string, port: number): GrpcAddresses {
  const { protocol, hostname } = new URL(url)
  return { addresses: [`${hostname}:${port}`], encrypted: protocol === 'https:' }
}

function withPort(name: string): string {
  return /^(?:[^:]+|\[[^\]]*\])$/.test(name) ? `${name}:${usualPort}` : name
}
