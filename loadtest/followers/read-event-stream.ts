import { createParser } from 'eventsource-parser'

/** How requests are sent. */
export interface Connection {
  /** Base address of the server, without a slash at the end. */
  readonly url: string
  readonly token: string | undefined
  /** PEM texts. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

export interface EventStreamOptions {
  /** Id of the last event received; the stream continues after it. */
  readonly after: string | undefined
  readonly signal: AbortSignal
  /** The stream has begun. */
  readonly onOpen: () => void
  readonly onEvent: (event: FollowedEvent) => void
}

export interface FollowedEvent {
  /** Resume token. */
  readonly id: string
  readonly kind: string
  /** JSON. */
  readonly data: string
}

/**
 * Follows a task over one connection until the server ends the stream.
 *
 * @throws Error when the server does not answer with an event stream, or the connection breaks.
 */
export async function readEventStream(
  { url, token, tls }: Connection,
  task: string,
  { after, signal, onOpen, onEvent }: EventStreamOptions,
): Promise<void> {
  const response = await fetch(`${url}/api/v1/tasks/${task}/events`, {
    headers: {
      accept: 'text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(after === undefined ? {} : { 'last-event-id': after }),
    },
    signal,
    tls,
    // The default of Bun would end a quiet stream after five minutes.
    timeout: false,
  } as RequestInit)
  if (response.status !== 200 || response.body === null)
    throw new Error(`The server answered ${response.status}.`)
  onOpen()
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      // Heartbeats have no id.
      if (id !== undefined) onEvent({ id, kind: event ?? 'message', data })
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }))
}
