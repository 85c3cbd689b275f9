/** Reading a message's header block (`NATS/1.0`, an optional status, lines of `Name: value`) no further than asked. */

/** The status in the block's first line; code 0 when there is none. */
export function parseStatus(head: Buffer): { code: number; description?: string } {
  // Right after the version: a line end, or a space and the status.
  if (head[8] !== 0x20) return { code: 0 }
  const [code = '', ...words] = head.toString('latin1', 8, head.indexOf('\r\n')).trim().split(' ')
  return words.length > 0 ? { code: Number(code), description: words.join(' ') } : { code: Number(code) }
}

/** Looks up headers by their name as it is written; undefined when there is none, or an empty one. */
export function parseHeaders(head: Buffer): (name: string) => string | undefined {
  const text = head.toString()
  return (name) => {
    const at = text.indexOf(`\r\n${name}:`)
    if (at === -1) return undefined
    const from = at + name.length + 3
    return text.slice(from, text.indexOf('\r\n', from)).trim() || undefined
  }
}
