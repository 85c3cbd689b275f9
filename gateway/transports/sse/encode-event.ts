import { viewEvent } from '@pixelflow/core/views'
import { formatResumeToken, type StoredEvent } from '@pixelflow/core/event'

const encoder = new TextEncoder()

/** Sent at once, because the headers are sent with the first bytes: the reconnection time and a heartbeat. */
export const openingBytes = encoder.encode('retry: 1000\nevent: heartbeat\ndata: {}\n\n')

/** Without an id: an id would be the client's resume token. */
export const heartbeat = encoder.encode('event: heartbeat\ndata: {}\n\n')

const encoded = new WeakMap<StoredEvent, Uint8Array>()

/** Encodes a stored event as a server-sent event, once for all watchers. JSON has no line breaks. */
export function encodeEvent(one: StoredEvent): Uint8Array {
  const known = encoded.get(one)
  if (known) return known
  const { kind } = one.event
  const data = JSON.stringify(viewEvent(one.event))
  const frame = encoder.encode(`event: ${kind}\nid: ${formatResumeToken(one)}\ndata: ${data}\n\n`)
  encoded.set(one, frame)
  return frame
}
