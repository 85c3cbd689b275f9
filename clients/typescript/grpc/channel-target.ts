import { experimental, type ChannelOptions } from '@grpc/grpc-js'

type Listener = experimental.ResolverListener
type Endpoints = Parameters<Listener>[0]
type Endpoint = experimental.Endpoint

const scheme = 'pixelflow-list'

/**
 * Returns the grpc-js target for one or more addresses: `host:port` or `dns:///host:port`, where a DNS name may resolve to
 * several gateways. `dns://server/host:port` queries that DNS server (if GRPC_NODE_USE_ALTERNATIVE_RESOLVER is `true`).
 * @throws TypeError if an address is invalid.
 */
export function channelTarget(addresses: readonly string[]): string {
  const places = addresses.map((address) => placeOf(address))
  const [first] = places
  if (first === undefined) throw new TypeError('There is no address.')
  if (places.length === 1) return `dns://${first.authority}/${first.path}`
  return `${scheme}:${places.map(({ authority, path }) => `${authority}/${path}`).join(',')}`
}

/** Returns the host of an address, without brackets. */
export function hostOfAddress(address: string): string {
  return experimental.splitHostPort(placeOf(address).path)?.host ?? address
}

interface Place {
  /** DNS server to query; empty for that of the system. */
  readonly authority: string
  /** Host and port. */
  readonly path: string
}

function placeOf(address: string): Place {
  const [, authority = '', path = ''] =
    /^(?:dns:(?:\/\/([^/,\s]*)\/)?)?([^/,\s]+)$/.exec(address.trim()) ?? []
  const parts = experimental.splitHostPort(path)
  if (parts !== null && parts.host !== '') return { authority, path }
  throw new TypeError(
    `${address} is no address of a gRPC server; write it as host:50051 or dns:///name:50051.`,
  )
}

/** Resolves several addresses with one DNS resolver each and merges their endpoints. */
class ListResolver implements experimental.Resolver {
  readonly #parts: experimental.Resolver[]
  readonly #found: (Endpoints | undefined)[]

  constructor(target: experimental.GrpcUri, listener: Listener, options: ChannelOptions) {
    const places = target.path.split(',')
    this.#found = places.map(() => undefined)
    this.#parts = places.map((place, index) =>
      experimental.createResolver(
        { scheme: 'dns', ...partsOf(place) },
        (endpoints, attributes, config, note) => {
          this.#found[index] = endpoints
          return this.#found.includes(undefined) || listener(joined(this.#found), attributes, config, note)
        },
        options,
      ),
    )
  }

  updateResolution(): void {
    for (const part of this.#parts) part.updateResolution()
  }

  destroy(): void {
    for (const part of this.#parts) part.destroy()
  }

  /** Server name to verify in the certificates, unless another one is configured. */
  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return partsOf(path.split(',', 1)[0] ?? path).path
  }
}

function partsOf(place: string): Place {
  const [authority = '', path = ''] = place.split('/')
  return { authority, path }
}

/** Merges the endpoints without duplicates; returns the first error if there are none. */
function joined(found: readonly (Endpoints | undefined)[]): Endpoints {
  const all = new Map<string, Endpoint>()
  let trouble: Endpoints | undefined
  for (const one of found) {
    if (one?.ok) for (const endpoint of one.value) all.set(experimental.endpointToString(endpoint), endpoint)
    else trouble ??= one
  }
  return all.size > 0 || trouble === undefined ? experimental.statusOrFromValue([...all.values()]) : trouble
}

experimental.registerResolver(scheme, ListResolver)
