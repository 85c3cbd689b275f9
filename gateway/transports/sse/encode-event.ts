import { viewEvent } from '@pixelflow/core/api'
import { resumeToken, type StoredEvent } from '@pixelflow/core/event'

const encoder = new TextEncoder()

/** Said at once, because headers wait for the first bytes. How soon to come back, then a sign of life. */
export const openingBytes = encoder.encode('retry: 1000\nevent: heartbeat\ndata: {}\n\n')

/** Has no id: an id would tell the client that it has seen more than it has. */
export const heartbeat = encoder.encode('event: heartbeat\ndata: {}\n\n')

const encoded = new WeakMap<StoredEvent, Uint8Array>()

/** One event as it goes over the wire; made once, however many watch. JSON has no line breaks. */
export function encodeEvent(one: StoredEvent): Uint8Array {
  const known = encoded.get(one)
  if (known) return known
  const { kind } = one.event
  const data = JSON.stringify(viewEvent(one.event))
  const frame = encoder.encode(`event: ${kind}\nid: ${resumeToken(one.seq)}\ndata: ${data}\n\n`)
  encoded.set(one, frame)
  return frame
}
