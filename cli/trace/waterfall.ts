import type { ProcessSpan } from '@pixelflow/platform/telemetry/tracing/ring/read-ring'

/** One span in the waterfall of a task. */
export interface WaterfallRow {
  readonly span: ProcessSpan
  /** Number of spans above it in the tree. */
  readonly depth: number
  /** Milliseconds since the start of the trace. */
  readonly startMs: number
  readonly durationMs: number
}

export interface Waterfall {
  /** In the order of the tree: a span is followed by the spans within it, by their start. */
  readonly rows: readonly WaterfallRow[]
  /** Start of the first span, in milliseconds since 1970. */
  readonly startedAtMs: number
  /** From the start of the first span to the end of the last one. */
  readonly durationMs: number
}

/** Arranges the spans of a task as a tree. A span whose parent is not recorded, such as one of the caller, is at the top. */
export function createWaterfall(spans: readonly ProcessSpan[]): Waterfall {
  const startedAtMs = Math.min(...spans.map((span) => span.startMs))
  const ids = new Set(spans.map((span) => span.context.spanId))
  const byParent = Map.groupBy(spans.toSorted(compareStart), ({ parentSpanId }) =>
    parentSpanId !== undefined && ids.has(parentSpanId) ? parentSpanId : undefined,
  )
  const rows: WaterfallRow[] = []
  const add = (span: ProcessSpan, depth: number) => {
    rows.push({
      span,
      depth,
      startMs: span.startMs - startedAtMs,
      durationMs: span.endMs - span.startMs,
    })
    for (const child of byParent.get(span.context.spanId) ?? []) add(child, depth + 1)
  }
  for (const root of byParent.get(undefined) ?? []) add(root, 0)
  return { rows, startedAtMs, durationMs: Math.max(...spans.map((span) => span.endMs)) - startedAtMs }
}

/** Whether a span is a wait and not work. */
export function isWait(name: string): boolean {
  return name.endsWith(' wait')
}

function compareStart(a: ProcessSpan, b: ProcessSpan): number {
  // A wait of no time comes before the work that it waits for. Of others that start together, the longer one is the outer one.
  return a.startMs - b.startMs || Number(isWait(b.name)) - Number(isWait(a.name)) || b.endMs - a.endMs
}
