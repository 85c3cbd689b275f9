/** Total length of all parts. */
export function totalLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

/** The same bytes in chunks of `size`; the last chunk may be shorter. A chunk is a list of views: nothing is copied. */
export function* rechunk(parts: readonly Uint8Array[], size: number): Generator<Uint8Array[], void> {
  let piece: Uint8Array[] = []
  let missing = size
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      const some = part.subarray(at, at + missing)
      piece.push(some)
      at += some.length
      missing -= some.length
      if (missing > 0) continue
      yield piece
      piece = []
      missing = size
    }
  }
  if (piece.length > 0) yield piece
}

/** Splits off the first `count` bytes as one part. @throws RangeError if there are fewer. */
export function splitAt(
  parts: readonly Uint8Array[],
  count: number,
): { head: Uint8Array; rest: Uint8Array[] } {
  const [first = new Uint8Array(0), ...others] = parts
  if (first.length > count)
    return { head: first.subarray(0, count), rest: [first.subarray(count), ...others] }
  if (first.length === count) return { head: first, rest: others }
  const head = new Uint8Array(count)
  let filled = 0
  const rest: Uint8Array[] = []
  for (const part of parts) {
    const some = part.subarray(0, count - filled)
    head.set(some, filled)
    filled += some.length
    if (some.length < part.length) rest.push(part.subarray(some.length))
  }
  if (filled < count) throw new RangeError(`expected ${count} bytes, got ${filled}`)
  return { head, rest }
}

/** The same bytes in one part; copied only if there are several. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  const whole = new Uint8Array(totalLength(parts))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
