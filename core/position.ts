/**
 * A position is the sequence of a write in the event log. A read that sends it includes that write, on any gateway.
 */

/** The HTTP header and gRPC metadata that carries a position in both directions. */
export const positionHeader = 'pixelflow-position'

export interface Position {
  /** Sequence in the log. */
  readonly seq: number
  /** Identifies the log; a recreated log has another mark. */
  readonly mark: string
}

/** Formats a position, opaque to clients. @param log identity of the log */
export function formatPosition(log: string, seq: number): string {
  return `${seq.toString(36)}.${hashLog(log)}`
}

/** Parses a position; undefined for an invalid token. */
export function parsePosition(token: string): Position | undefined {
  const found = /^([0-9a-z]{1,11})\.([0-9a-z]{1,7})$/.exec(token)
  const seq = Number.parseInt(found?.[1] ?? '', 36)
  return found?.[2] !== undefined && Number.isSafeInteger(seq) && seq > 0
    ? { seq, mark: found[2] }
    : undefined
}

/** A short hash (FNV-1a) of a log's identity. It only has to distinguish a log from its predecessor. */
export function hashLog(log: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(log)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(36)
}
