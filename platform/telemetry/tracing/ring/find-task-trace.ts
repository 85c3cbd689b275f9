import { attributeNames } from '../attribute-names.ts'
import { readRing, type ProcessSpan } from './read-ring.ts'

/** What the ring holds of one task. */
export interface TaskTrace {
  readonly traceId: string
  /** The spans of the task with those that led to it, by start time. */
  readonly spans: readonly ProcessSpan[]
  /** Other spans of the ring to which these link, such as the call that created the task before a retry. */
  readonly linked: readonly ProcessSpan[]
}

/** Finds the spans of a task; undefined when the ring has none. */
export async function findTaskTrace(folder: string, task: string): Promise<TaskTrace | undefined> {
  const named = (await readRing(folder, [task])).filter((span) => isOfTask(span, task))
  const [first] = named.sort((a, b) => a.startMs - b.startMs)
  if (first === undefined) return undefined
  const { traceId } = first.context
  const all = (await readRing(folder, [traceId])).filter((span) => span.context.traceId === traceId)
  const spans = keepTask(all, task).sort((a, b) => a.startMs - b.startMs)
  return { traceId, spans, linked: await findLinked(folder, spans) }
}

async function findLinked(folder: string, spans: readonly ProcessSpan[]): Promise<ProcessSpan[]> {
  const own = new Set(spans.map(({ context }) => context.spanId))
  const ids = new Set(
    spans.flatMap(({ links }) => links.map(({ spanId }) => spanId)).filter((id) => !own.has(id)),
  )
  if (ids.size === 0) return []
  return (await readRing(folder, [...ids])).filter(({ context }) => ids.has(context.spanId))
}

function isOfTask(span: ProcessSpan, task: string): boolean {
  return span.attributes[attributeNames.task] === task
}

/** Without the spans of other tasks, because a caller can start many tasks in one trace. */
function keepTask(spans: readonly ProcessSpan[], task: string): ProcessSpan[] {
  const byId = new Map(spans.map((span) => [span.context.spanId, span]))
  const children = Map.groupBy(spans, (span) => span.parentSpanId)
  const kept = new Set<ProcessSpan>()
  const keepWithDescendants = (span: ProcessSpan) => {
    const of = span.attributes[attributeNames.task]
    if (kept.has(span) || (of !== undefined && of !== task)) return
    kept.add(span)
    for (const child of children.get(span.context.spanId) ?? []) keepWithDescendants(child)
  }
  for (const span of spans) if (isOfTask(span, task)) keepWithDescendants(span)
  // A set visits what is added meanwhile, so the spans above the added ones follow.
  for (const span of kept) {
    const above = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
    if (above !== undefined) kept.add(above)
  }
  return [...kept]
}
