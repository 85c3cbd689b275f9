import { withoutPassword } from '../without-password.ts'
import type { AttributeValue, Attributes, SpanKind, SpanRecord } from './span-record.ts'
import type { TraceContext } from './trace-context.ts'
import { nowMs } from './now-ms.ts'

/** Work in progress. Calls after `end` have no effect. */
export interface Span {
  /** Undefined when tracing is off. */
  readonly context: TraceContext | undefined
  /** Sets an attribute; `undefined` leaves it unset. */
  set(name: string, value: AttributeValue | undefined): void
  /** Adds a span that led to this one besides its parent. */
  link(to: TraceContext | undefined): void
  /** Marks the span as failed. */
  fail(error: unknown): void
  /** Ends the span, now or at a time in milliseconds since 1970. */
  end(endMs?: number): void
}

/** A span that is not recorded. Its context, if it has one, is passed on, so that the whole trace is left out. */
export class UnrecordedSpan implements Span {
  readonly context: TraceContext | undefined

  constructor(context: TraceContext | undefined) {
    this.context = context
  }

  set(): void {}
  link(): void {}
  fail(): void {}
  end(): void {}
}

/** The span of a process that does not trace. */
export const noSpan: Span = new UnrecordedSpan(undefined)

const maxAttributes = 32
const maxTextLength = 1024
const maxLinks = 32

interface SpanStart extends Pick<
  SpanRecord,
  'name' | 'kind' | 'context' | 'parentSpanId' | 'isParentRemote' | 'startMs' | 'links'
> {
  readonly attributes: Attributes | undefined
}

/** A span that is recorded when it ends. It is its own record, so that a span is one object. */
export class RecordedSpan implements Span, SpanRecord {
  readonly name: string
  readonly kind: SpanKind
  readonly context: TraceContext
  readonly parentSpanId: string | undefined
  readonly isParentRemote: boolean
  readonly startMs: number
  readonly links: TraceContext[]
  readonly attributes: Record<string, AttributeValue> = {}
  /** 0 until the span ends. */
  endMs = 0
  error: string | undefined
  readonly #record: (span: SpanRecord) => void

  constructor(record: (span: SpanRecord) => void, start: SpanStart) {
    this.name = start.name
    this.kind = start.kind
    this.context = start.context
    this.parentSpanId = start.parentSpanId
    this.isParentRemote = start.isParentRemote
    this.startMs = start.startMs
    this.links = [...start.links]
    this.error = undefined
    this.#record = record
    for (const name in start.attributes) this.set(name, start.attributes[name])
  }

  set(name: string, value: AttributeValue | undefined): void {
    if (value === undefined || this.endMs > 0) return
    if (!(name in this.attributes) && Object.keys(this.attributes).length >= maxAttributes) return
    this.attributes[name] = typeof value === 'string' ? value.slice(0, maxTextLength) : value
  }

  link(to: TraceContext | undefined): void {
    if (to !== undefined && this.endMs === 0 && this.links.length < maxLinks) this.links.push(to)
  }

  fail(error: unknown): void {
    if (this.endMs > 0) return
    const text = error instanceof Error ? error.message : String(error)
    this.error = withoutPassword(text).slice(0, maxTextLength)
  }

  end(endMs: number = nowMs()): void {
    if (this.endMs > 0) return
    // The clocks of two machines differ.
    this.endMs = Math.max(this.startMs, endMs)
    this.#record(this)
  }
}
