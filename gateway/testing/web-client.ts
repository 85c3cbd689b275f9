import type { DescService } from '@bufbuild/protobuf'
import { createClient, type Client } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'

const transports = { Connect: createConnectTransport, 'gRPC-Web': createGrpcWebTransport }

/** The protocols for browsers. */
export type WebProtocol = keyof typeof transports
export const webProtocols = Object.keys(transports) as WebProtocol[]

/** A client of one service with binary messages. */
export function webClient<S extends DescService>(
  service: S,
  protocol: WebProtocol,
  { url }: { readonly url: string },
  fetchFunction: typeof fetch = fetch,
): Client<S> {
  const options = { baseUrl: url, useBinaryFormat: true, fetch: fetchFunction }
  return createClient(service, transports[protocol](options))
}
