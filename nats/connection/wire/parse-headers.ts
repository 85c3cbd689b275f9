/** Lazy parsing of a message's header block: `NATS/1.0`, an optional status, and lines of `Name: value`. */

export interface HeaderStatus {
  /** 0 when there is none. */
  readonly code: number
  readonly description?: string
}

const noStatus: HeaderStatus = { code: 0 }

/** The status in the first line. */
export function parseStatus(headerBlock: Buffer): HeaderStatus {
  // The version is followed by a line end, or by a space and the status.
  if (headerBlock[8] !== 0x20) return noStatus
  const line = headerBlock.toString('latin1', 8, headerBlock.indexOf('\r\n'))
  const [code = '', ...description] = line.trim().split(' ')
  if (description.length === 0) return { code: Number(code) }
  return { code: Number(code), description: description.join(' ') }
}

/** Returns a lookup by case-sensitive header name; undefined for a missing or empty header. */
export function parseHeaders(headerBlock: Buffer): (name: string) => string | undefined {
  const text = headerBlock.toString()
  return (name) => {
    const at = text.indexOf(`\r\n${name}:`)
    if (at === -1) return undefined
    const from = at + name.length + 3
    return text.slice(from, text.indexOf('\r\n', from)).trim() || undefined
  }
}
