import type { Client } from '../client.ts'
import { createClient, type ClientOptions } from '../create-client.ts'
import { toCredentials, type Credentials } from '../credentials.ts'
import { httpCalls } from '../http-calls.gen.ts'
import { trackPositions } from '../position-tracker.ts'
import { createHttpCall } from './create-http-call.ts'
import { connectTune, openGlobalSocket, type SocketFactory } from './connect-tune.ts'
import { fetchContent } from './fetch-content.ts'
import { createHttpCaller, type FetchLike } from './http-caller.ts'
import { processImage } from './process-image.ts'
import { streamEvents } from './stream-events.ts'
import { postImage } from './post-image.ts'

export interface HttpOptions extends ClientOptions {
  /** Address of the server, such as `https://pixelflow.example.com`; default in a browser: the page's own server. */
  readonly url?: string | undefined
  /** Bearer token, or an object that provides one. */
  readonly token?: string | Credentials | null | undefined
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Called for each request: the span of the caller, as a W3C `traceparent`, which the spans of the server continue. */
  readonly traceparent?: (() => string | undefined) | undefined
  /** Replaces the global `fetch`, for example to send client certificates or to use a proxy. */
  readonly fetch?: FetchLike | undefined
  /** Replaces the global `WebSocket`. */
  readonly webSocket?: SocketFactory | undefined
}

/** Creates a client over HTTP. Sends nothing yet. @throws TypeError if the address is invalid. */
export function openHttp(options: HttpOptions = {}): Client {
  const {
    url,
    token,
    headers = {},
    traceparent,
    fetch: send = (input, init) => fetch(input, init),
    webSocket: openSocket = openGlobalSocket,
    signal,
    ...limits
  } = options
  const credentials = toCredentials(token)
  const address = normalizeUrl(url)
  const caller = createHttpCaller({ address, credentials, fetch: send, headers, traceparent, limits })

  return createClient(
    {
      address: caller.address,
      call: createHttpCall(caller, httpCalls),
      upload: (source, options) => postImage(caller, source, options),
      processImage: (source, recipe, options) => processImage(caller, source, recipe, options),
      events: (task, options) => streamEvents(caller, task, options),
      content: (from, options) => fetchContent(caller, from, options),
      tune(listener, signal) {
        const token = credentials.token()
        return connectTune(
          { address: caller.address, token, openSocket },
          trackPositions(caller.positions, listener),
          signal,
        )
      },
      async close() {},
    },
    { ...limits, signal },
  )
}

/** Returns the base address of a server, without a slash at the end; empty for the page's own server. */
export function normalizeUrl(url: string | undefined): string {
  return url === undefined ? '' : new URL(url).href.replace(/\/+$/, '')
}
