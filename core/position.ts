/**
 * A position is the sequence of a write in the event log. A read that sends it includes that write, on any gateway.
 */

/** The HTTP header and gRPC metadata that carries a position in both directions. */
export const positionHeader = 'pixelflow-position'

export interface Position {
  /** Sequence in the event log. */
  readonly seq: number
  /** Identifies the event log by a hash of its id; a recreated log has another id. */
  readonly logHash: string
}

/** Formats a position, opaque to clients. @param logId identity of the event log */
export function formatPosition(logId: string, seq: number): string {
  return `${seq.toString(36)}.${hashLogId(logId)}`
}

/** Parses a position; undefined for an invalid token. */
export function parsePosition(token: string): Position | undefined {
  const found = /^([0-9a-z]{1,11})\.([0-9a-z]{1,7})$/.exec(token)
  const seq = Number.parseInt(found?.[1] ?? '', 36)
  return found?.[2] !== undefined && Number.isSafeInteger(seq) && seq > 0
    ? { seq, logHash: found[2] }
    : undefined
}

/** A short hash (FNV-1a) of the identity of an event log. It only has to distinguish a log from its predecessor. */
export function hashLogId(logId: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(logId)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(36)
}
