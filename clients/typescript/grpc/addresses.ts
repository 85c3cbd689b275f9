import { experimental, type ChannelOptions } from '@grpc/grpc-js'

type Listener = experimental.ResolverListener
type Endpoints = Parameters<Listener>[0]
type Endpoint = experimental.Endpoint

const scheme = 'pixelflow-list'

/**
 * The target of a channel to one address or several: `host:port` or `dns:///host:port`, where a name may stand for many
 * gateways. @throws TypeError when an address is none.
 */
export function targetOf(addresses: readonly string[]): string {
  const names = addresses.map((address) => nameOf(address))
  const [first] = names
  if (first === undefined) throw new TypeError('There is no address.')
  return names.length === 1 ? `dns:///${first}` : `${scheme}:${names.join(',')}`
}

/** The host of an address, without brackets. */
export function hostOf(address: string): string {
  return experimental.splitHostPort(nameOf(address))?.host ?? address
}

function nameOf(address: string): string {
  const name = address.trim().replace(/^dns:(?:\/\/\/)?/, '')
  const parts = experimental.splitHostPort(name)
  if (parts !== null && parts.host !== '' && !/[\s/,]/.test(name)) return name
  throw new TypeError(
    `${address} is no address of a gRPC server; write it as host:50051 or dns:///name:50051.`,
  )
}

/** Several addresses as one: each is looked up as if it stood alone, and all that are found are one list. */
class ListResolver implements experimental.Resolver {
  readonly #parts: experimental.Resolver[]
  readonly #found: (Endpoints | undefined)[]

  constructor(target: experimental.GrpcUri, listener: Listener, options: ChannelOptions) {
    const names = target.path.split(',')
    this.#found = names.map(() => undefined)
    this.#parts = names.map((path, index) =>
      experimental.createResolver(
        { scheme: 'dns', path },
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

  /** What the servers are called in the certificates, unless a name is given. */
  static getDefaultAuthority({ path }: experimental.GrpcUri): string {
    return path.split(',', 1)[0] ?? path
  }
}

/** All that was found; what went wrong only when nothing was. */
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
