import { AsyncLocalStorage } from 'node:async_hooks'
import { noSpan, RecordedSpan, UnrecordedSpan, type Span, type SpanStart } from './span.ts'
import type { SpanRecord } from './span-record.ts'
import { createSpanId, createTraceId, formatTraceparent, type TraceContext } from './trace-context.ts'

/**
 * The spans of this process. Tracing is off until `startTracing` is called; then every function here returns at once. Spans
 * belong to the process and not to an object, as in the API of OpenTelemetry, so that no constructor has to pass a tracer on.
 */

export interface SpanOptions extends SpanStart {
  /** Default: the current span. Without one, the span starts a trace. */
  readonly parent?: TraceContext | undefined
}

/** Decides on new spans, and receives those that have ended. */
export interface Recorder {
  /** Whether a span is exported; `parent` is undefined for the first span of a trace. */
  isSampled(traceId: string, parent: TraceContext | undefined): boolean
  /** Whether spans that are not sampled are recorded too. */
  readonly recordsAll: boolean
  /** Never throws and never waits. Called without `this`. */
  readonly record: (span: SpanRecord) => void
}

interface Tracing {
  readonly recorder: Recorder
  readonly current: AsyncLocalStorage<Span>
}

const noOptions: SpanOptions = {}
let tracing: Tracing | undefined

/** Starts to record spans. Disposing stops it. */
export function startTracing(recorder: Recorder): Disposable {
  const started: Tracing = { recorder, current: new AsyncLocalStorage() }
  tracing = started
  return {
    [Symbol.dispose]() {
      if (tracing === started) tracing = undefined
    },
  }
}

export function isTracing(): boolean {
  return tracing !== undefined
}

/** Starts a span, which the caller ends. It does not become the current one. */
export function startSpan(name: string, options: SpanOptions = noOptions): Span {
  if (tracing === undefined) return noSpan
  const { recorder, current } = tracing
  const around = current.getStore()
  const parent = options.parent ?? around?.context
  const traceId = parent === undefined ? createTraceId() : parent.traceId
  const isSampled = recorder.isSampled(traceId, parent)
  const context = { traceId, spanId: createSpanId(), isSampled }
  if (!isSampled && !recorder.recordsAll) return new UnrecordedSpan(context)
  return new RecordedSpan(recorder.record, name, context, parent, around?.outermost, options)
}

/** Runs `work` within a new span, which is the current one meanwhile and ends with the work, or fails with its error. */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: Span) => T): T {
  if (tracing === undefined) return work(noSpan)
  const span = startSpan(name, options)
  try {
    const result = tracing.current.run(span, work, span)
    if (result instanceof Promise) return endAfter(span, result) as T
    span.end()
    return result
  } catch (error) {
    span.fail(error)
    span.end()
    throw error
  }
}

/** Records work that has ended, such as a wait that another process began. */
export function recordSpan(
  name: string,
  { endMs, ...options }: SpanOptions & { readonly startMs: number; readonly endMs: number },
): void {
  startSpan(name, options).end(endMs)
}

/** Runs `work` with a span as the current one. The caller ends the span. */
export function runWithin<T>(span: Span, work: () => T): T {
  return tracing === undefined || span.context === undefined ? work() : tracing.current.run(span, work)
}

/** Returns a callback that runs within the current span, for callers that have another one. */
export function bindToSpan<A extends unknown[], T>(callback: (...args: A) => T): (...args: A) => T {
  const { current } = tracing ?? {}
  const store = current?.getStore()
  if (current === undefined || store === undefined) return callback
  return (...args) => current.run(store, () => callback(...args))
}

/** Reads a stream with a span as the current one. The caller ends the span. */
export function streamWithin<T>(span: Span, values: AsyncIterable<T>): AsyncIterable<T> {
  if (span.context === undefined) return values
  return {
    [Symbol.asyncIterator]() {
      const inner = runWithin(span, () => values[Symbol.asyncIterator]())
      return {
        next: () => runWithin(span, () => inner.next()),
        return: async () =>
          (await runWithin(span, () => inner.return?.())) ?? { done: true, value: undefined },
      }
    },
  }
}

/** The current span. */
export function currentSpan(): TraceContext | undefined {
  return tracing?.current.getStore()?.context
}

/** The outermost span of this process around the current one, such as that of the request; it may have ended. */
export function outermostSpan(): Span {
  return tracing?.current.getStore()?.outermost ?? noSpan
}

/** Value of the header `traceparent` for requests and messages that the current span sends. */
export function currentTraceparent(): string | undefined {
  const context = currentSpan()
  return context && formatTraceparent(context)
}

/** The trace of the current span, for logs and problems. */
export function currentTraceId(): string | undefined {
  return currentSpan()?.traceId
}

async function endAfter<T>(span: Span, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    span.fail(error)
    throw error
  } finally {
    span.end()
  }
}
