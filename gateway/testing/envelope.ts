/** An envelope of Connect streams and gRPC-Web: a flag byte, four bytes of length, and the content. */
export interface Envelope {
  readonly flag: number
  readonly bytes: Buffer
}

export function envelope(bytes: Uint8Array, flag = 0, length = bytes.length): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, bytes])
}

/** @throws Error when the last envelope is incomplete. */
export function envelopesIn(body: Uint8Array): Envelope[] {
  const all = Buffer.from(body)
  const found: Envelope[] = []
  for (let at = 0; at < all.length;) {
    const end = at + 5 + all.readUInt32BE(at + 1)
    if (end > all.length) throw new Error(`An envelope ends at byte ${end} of ${all.length}.`)
    found.push({ flag: all[at] ?? 0, bytes: all.subarray(at + 5, end) })
    at = end
  }
  return found
}
