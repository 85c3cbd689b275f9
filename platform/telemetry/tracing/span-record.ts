import type { TraceContext } from './trace-context.ts'

/** Relation of a span to its callers, as OpenTelemetry defines it. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export type AttributeValue = string | number | boolean
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>

/** A span that has ended. */
export interface SpanRecord {
  readonly name: string
  readonly kind: SpanKind
  readonly context: TraceContext
  /** Absent for the first span of a trace. */
  readonly parentSpanId: string | undefined
  /** Whether the parent is of another process. */
  readonly isParentRemote: boolean
  /** Milliseconds since 1970. */
  readonly startMs: number
  readonly endMs: number
  /** An undefined one is not set. */
  readonly attributes: Attributes
  /** Spans that led to this one besides its parent, such as earlier attempts. */
  readonly links: readonly TraceContext[]
  /** Why the work failed. */
  readonly error: string | undefined
}

/** Receives spans when they end. Never throws and never waits. */
export interface SpanSink {
  add(span: SpanRecord): void
  /** Writes or sends what it holds. */
  close(): Promise<void>
}
