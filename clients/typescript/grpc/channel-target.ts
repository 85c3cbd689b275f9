import { experimental, type ChannelOptions } from '@grpc/grpc-js'

type Listener = experimental.ResolverListener
type Endpoints = Parameters<Listener>[0]
type Endpoint = experimental.Endpoint

const scheme = 'pixelflow-list'

/**
 * Returns the grpc-js target for one or more addresses: `host:port` or `dns:///host:port`, where a DNS name may resolve to
 * several gateways. `dns://server/host:port` queries that DNS server (if GRPC_NODE_USE_ALTERNATIVE_RESOLVER is `true`).
 * @throws TypeError if there is no address, or one is invalid.
 */
export function toChannelTarget(addresses: readonly string[]): string {
  const targets = addresses.map((address) => parseAddress(address))
  const [first] = targets
  if (first === undefined) {
    throw new TypeError('The list of gRPC addresses is empty. Give at least one, such as host:50051.')
  }
  if (targets.length === 1) return `dns://${first.authority}/${first.path}`
  return `${scheme}:${targets.map(({ authority, path }) => `${authority}/${path}`).join(',')}`
}

/** Returns the host of an address, without brackets. */
export function parseHost(address: string): string {
  return experimental.splitHostPort(parseAddress(address).path)?.host ?? address
}

/** The parts of a gRPC target with the scheme `dns`. */
interface DnsTarget {
  /** DNS server to query; empty for that of the system. */
  readonly authority: string
  /** Host and port. */
  readonly path: string
}

function parseAddress(address: string): DnsTarget {
  const [, authority = '', path = ''] =
    /^(?:dns:(?:\/\/([^/,\s]*)\/)?)?([^/,\s]+)$/.exec(address.trim()) ?? []
  const parts = experimental.splitHostPort(path)
  if (parts !== null && parts.host !== '') return { authority, path }
  throw new TypeError(
    `The gRPC address ${JSON.stringify(address)} is invalid. Write it as host:50051 or dns:///name:50051.`,
  )
}

/** Resolves several addresses with one DNS resolver each and merges their endpoints. */
class ListResolver implements experimental.Resolver {
  readonly #resolvers: experimental.Resolver[]
  readonly #results: (Endpoints | undefined)[]

  constructor(target: experimental.GrpcUri, listener: Listener, options: ChannelOptions) {
    const entries = target.path.split(',')
    this.#results = entries.map(() => undefined)
    this.#resolvers = entries.map((entry, index) =>
      experimental.createResolver(
        { scheme: 'dns', ...parseEntry(entry) },
        (endpoints, attributes, config, note) => {
          this.#results[index] = endpoints
          return (
            this.#results.includes(undefined) ||
            listener(mergeEndpoints(this.#results), attributes, config, note)
          )
        },
        options,
      ),
    )
  }

  updateResolution(): void {
    for (const resolver of this.#resolvers) resolver.updateResolution()
  }

  destroy(): void {
    for (const resolver of this.#resolvers) resolver.destroy()
  }

  /** Server name to verify in the certificates, unless another one is configured. */
  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return parseEntry(path.split(',', 1)[0] ?? path).path
  }
}

/** Parses an entry of the list in a target with our scheme: `authority/path`. */
function parseEntry(entry: string): DnsTarget {
  const [authority = '', path = ''] = entry.split('/')
  return { authority, path }
}

/** Merges the endpoints without duplicates; returns the first error if there are none. */
function mergeEndpoints(results: readonly (Endpoints | undefined)[]): Endpoints {
  const merged = new Map<string, Endpoint>()
  let firstError: Endpoints | undefined
  for (const result of results) {
    if (result?.ok)
      for (const endpoint of result.value) merged.set(experimental.endpointToString(endpoint), endpoint)
    else firstError ??= result
  }
  return merged.size > 0 || firstError === undefined
    ? experimental.statusOrFromValue([...merged.values()])
    : firstError
}

experimental.registerResolver(scheme, ListResolver)
