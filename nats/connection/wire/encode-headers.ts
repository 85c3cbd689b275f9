import type { MsgHdrs } from '@nats-io/nats-core'
import type { MsgHdrsImpl } from '@nats-io/nats-core/internal'
import { toWireText } from './wire.ts'

/** Headers of a message, by their names as they are written. */
export type Headers = Readonly<Record<string, string>>

/** The header block of a message. @throws RangeError for a value with a line end. */
export function encodeHeaders(headers: Headers | MsgHdrs): Uint8Array | string {
  if (isMsgHdrs(headers)) return (headers as MsgHdrsImpl).encode()
  let block = 'NATS/1.0'
  for (const [name, value] of Object.entries(headers)) {
    if (/[\r\n]/.test(value)) throw new RangeError(`the header ${name} has more than one line`)
    block += `\r\n${name}: ${value}`
  }
  return toWireText(`${block}\r\n\r\n`)
}

/** Returns the headers with one more. */
export function withHeader(
  headers: Headers | MsgHdrs | undefined,
  name: string,
  value: string,
): Headers | MsgHdrs {
  if (headers === undefined || !isMsgHdrs(headers)) return { ...headers, [name]: value }
  headers.set(name, value)
  return headers
}

function isMsgHdrs(headers: Headers | MsgHdrs): headers is MsgHdrs {
  return typeof headers.set === 'function'
}
