import {
  openAdmin,
  openHttp,
  type Admin,
  type Client,
  type FetchLike,
  type SocketFactory,
} from '@pixelflow/client'
import type { GrpcAddresses } from './grpc-addresses.ts'
import type { Certificates } from './certificates.ts'

export interface ClientConnection {
  /** Base address of the HTTP interface, without a slash at the end. */
  readonly url: string
  /** gRPC addresses; all calls use them if given. */
  readonly grpc?: GrpcAddresses | undefined
  readonly token?: string | undefined
  readonly certificates?: Certificates | undefined
  /** Aborts every call in progress. */
  readonly signal: AbortSignal
}

/** Opens a client over HTTP or gRPC. Makes no call yet. */
export async function openClient({
  url,
  grpc,
  token,
  certificates,
  signal,
}: ClientConnection): Promise<Client> {
  if (grpc === undefined) return openHttp({ url, signal, ...httpOptions({ token, certificates }) })
  const { addresses: address, isEncrypted } = grpc
  const tls = isEncrypted === false ? undefined : (certificates ?? isEncrypted)
  // Imported here, so that commands without gRPC start faster.
  const { openGrpc } = await import('@pixelflow/client/grpc')
  return openGrpc({ address, token, tls, signal })
}

/** Opens a client of the operator API, which is HTTP only. Makes no call yet. */
export function openAdminClient({ url, token, certificates, signal }: Omit<ClientConnection, 'grpc'>): Admin {
  return openAdmin({ url, signal, ...httpOptions({ token, certificates }) })
}

/** The version of the server at an address; null when no PixelFlow server answers there. */
export async function readServerVersion(
  url: string,
  signal: AbortSignal,
  certificates?: Certificates,
): Promise<string | null> {
  try {
    const options = { url, signal, retries: 0, timeoutMs: 3000, ...httpOptions({ certificates }) }
    const { version } = await openHttp(options).settings()
    return typeof version === 'string' ? version : null
  } catch {
    return null
  }
}

function httpOptions({ token, certificates }: Pick<ClientConnection, 'token' | 'certificates'>) {
  const secured: FetchLike = (address, init) => fetch(address, { ...init, tls: tlsOf(certificates) })
  const securedSocket: SocketFactory = (address, protocols) =>
    new WebSocket(address, { protocols, tls: tlsOf(certificates) })
  return {
    token,
    headers: { 'user-agent': 'pixelflow-cli' },
    ...(certificates === undefined ? {} : { fetch: secured, webSocket: securedSocket }),
  }
}

function tlsOf({ ca, cert, key }: Certificates = {}) {
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert, key }) }
}
