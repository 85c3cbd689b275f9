/**
 * A position says how far the event log had come when something was written to it. A client that sends it back gets
 * answers that know of that, from whichever gateway.
 */

/** The header, and the metadata, that carries a position in both directions. */
export const positionHeader = 'pixelflow-position'

export interface Position {
  /** Sequence in the log. */
  readonly seq: number
  /** Tells the log from one that was made anew. */
  readonly mark: string
}

/** A position in a log, opaque to clients. `log` is its identity. */
export function positionToken(log: string, seq: number): string {
  return `${seq.toString(36)}.${markOf(log)}`
}

/** What a token says; undefined when it is none that could have been given out. */
export function parsePosition(token: string): Position | undefined {
  const found = /^([0-9a-z]{1,11})\.([0-9a-z]{1,7})$/.exec(token)
  const seq = Number.parseInt(found?.[1] ?? '', 36)
  return found?.[2] !== undefined && Number.isSafeInteger(seq) && seq > 0
    ? { seq, mark: found[2] }
    : undefined
}

/** A short name for a log: FNV-1a over its identity. Logs that follow each other have to differ, and nothing else. */
export function markOf(log: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(log)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(36)
}
