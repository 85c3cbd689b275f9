import { withoutPassword } from '../without-password.ts'
import type { AttributeValue, Attributes, SpanKind, SpanRecord } from './span-record.ts'
import type { TraceContext } from './trace-context.ts'
import { nowMs } from './now-ms.ts'

/** What a span begins with. Texts in it are short. */
export interface SpanStart {
  readonly kind?: SpanKind
  /** Start in milliseconds since 1970. Default: now. */
  readonly startMs?: number | undefined
  readonly attributes?: Attributes
  readonly links?: readonly TraceContext[]
}

/** Work in progress. Calls after `end` have no effect. */
export interface Span {
  /** Undefined when tracing is off. */
  readonly context: TraceContext | undefined
  /** The outermost span of this process around this one, such as that of the request; it may have ended. */
  readonly outermost: Span
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
  readonly outermost: Span = this

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
const noAttributes: Attributes = {}
const noLinks: readonly TraceContext[] = []

/**
 * A span that is recorded when it ends. It is its own record, and takes what it is given without a copy, so that a span is one
 * object: most processes make too few spans for the compiler to make more of them cheap.
 */
export class RecordedSpan implements Span, SpanRecord {
  readonly name: string
  readonly kind: SpanKind
  readonly context: TraceContext
  readonly parentSpanId: string | undefined
  readonly isParentRemote: boolean
  readonly outermost: Span
  readonly startMs: number
  links: readonly TraceContext[]
  attributes: Attributes
  /** 0 until the span ends. */
  endMs = 0
  error: string | undefined = undefined
  readonly record: (span: SpanRecord) => void

  constructor(
    record: (span: SpanRecord) => void,
    name: string,
    context: TraceContext,
    parent: TraceContext | undefined,
    outermost: Span | undefined,
    { kind = 'internal', startMs = nowMs(), attributes = noAttributes, links = noLinks }: SpanStart,
  ) {
    this.record = record
    this.name = name
    this.kind = kind
    this.context = context
    this.parentSpanId = parent?.spanId
    this.isParentRemote = parent?.isRemote === true
    this.outermost = outermost ?? this
    this.startMs = startMs
    this.attributes = attributes
    this.links = links
  }

  set(name: string, value: AttributeValue | undefined): void {
    if (value === undefined || this.endMs > 0) return
    const isNew = !(name in this.attributes)
    if (isNew && Object.keys(this.attributes).length >= maxAttributes) return
    this.attributes = {
      ...this.attributes,
      [name]: typeof value === 'string' ? value.slice(0, maxTextLength) : value,
    }
  }

  link(to: TraceContext | undefined): void {
    if (to !== undefined && this.endMs === 0 && this.links.length < maxLinks) this.links = [...this.links, to]
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
    this.record(this)
  }
}
