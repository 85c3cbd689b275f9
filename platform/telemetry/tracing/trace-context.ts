/** Identifies a span in every process, as in the header `traceparent` of W3C Trace Context. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string
  /** Whether the trace is exported to a collector. */
  readonly isSampled: boolean
  /** Whether the span is of another process. Default: false. */
  readonly isRemote?: boolean
}

/** Name of the header, in HTTP, in gRPC metadata and in messages of the broker. */
export const traceparentHeader = 'traceparent'

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const sampledFlag = 0x01

/** Parses a `traceparent`. Returns undefined for an invalid one, because the standard requires it to be ignored. */
export function parseTraceparent(text: string | null | undefined): TraceContext | undefined {
  if (text === null || text === undefined) return undefined
  const [, version, traceId, spanId, flags = '', rest] = pattern.exec(text.trim()) ?? []
  if (version === undefined || traceId === undefined || spanId === undefined) return undefined
  // Version ff is invalid, and only later versions may have further fields.
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0, isRemote: true }
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

export function createTraceId(): string {
  return randomHex(16)
}

export function createSpanId(): string {
  return randomHex(8)
}

/** One call of the generator fills it for many ids. */
const pool = Buffer.allocUnsafe(4096)
let taken = pool.length

function randomHex(bytes: number): string {
  if (taken + bytes > pool.length) {
    crypto.getRandomValues(pool)
    taken = 0
  }
  taken += bytes
  return pool.toString('hex', taken - bytes, taken)
}
