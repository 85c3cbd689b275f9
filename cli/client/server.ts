import { openHttp, type Client } from '@pixelflow/client'
import { openGrpc } from '@pixelflow/client/grpc'

export interface ServerOptions {
  /** Base address of the HTTP interface, without a slash at the end. */
  readonly url: string
  /** Addresses of gRPC ports; with them, everything goes there. */
  readonly grpc?: readonly string[] | undefined
  readonly token?: string | undefined
  /** Ends every call under way. */
  readonly signal: AbortSignal
}

/** The server as the options name it, over the protocol that they ask for. Nothing is asked yet. */
export function openServer({ url, grpc, token, signal }: ServerOptions): Client {
  if (grpc !== undefined) return openGrpc({ address: grpc, token, signal })
  return openHttp({ url, token, signal, headers: { 'user-agent': 'pixelflow-cli' } })
}

/** The version of the server at an address; null when it is none of ours, or nobody answers. */
export async function versionAt(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { version } = await openHttp({ url, signal, retries: 0, timeoutMs: 3000 }).settings()
    return typeof version === 'string' ? version : null
  } catch {
    return null
  }
}
