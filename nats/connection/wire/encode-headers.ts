import { toWireText } from './wire.ts'

/** Headers of a message, by their names as they are written. */
export type Headers = Readonly<Record<string, string>>

/** The header block of a message. @throws RangeError for a value with a line end. */
export function encodeHeaders(headers: Headers): Uint8Array | string {
  let block = 'NATS/1.0'
  for (const name of Object.keys(headers)) {
    const value = headers[name] as string
    if (/[\r\n]/.test(value)) throw new RangeError(`the header ${name} has more than one line`)
    block += `\r\n${name}: ${value}`
  }
  return toWireText(`${block}\r\n\r\n`)
}
