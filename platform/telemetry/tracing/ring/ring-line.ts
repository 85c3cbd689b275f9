import { z } from 'zod'
import type { SpanRecord } from '../span-record.ts'
import { formatTraceparent, parseTraceparent } from '../trace-context.ts'

/** How a span is written in the ring: one JSON object on one line, with short names because files are bounded. */

const line = z.object({
  /** The context of the span, as a `traceparent`. */
  c: z.string(),
  /** Id of the parent span. */
  p: z.string().optional(),
  n: z.string(),
  k: z.enum(['internal', 'server', 'client', 'producer', 'consumer']),
  /** Start in milliseconds since 1970. */
  s: z.number(),
  /** Duration in milliseconds. */
  d: z.number(),
  a: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  /** Links, each as a `traceparent`. */
  l: z.array(z.string()).optional(),
  /** Why the work failed. */
  e: z.string().optional(),
})

/** The line, with its line break. */
export function formatRingLine(span: SpanRecord): string {
  const { context, parentSpanId, name, kind, startMs, endMs, attributes, links, error } = span
  // Ids and kinds need no escapes, and joining texts costs half of JSON.stringify of the whole.
  const parent = parentSpanId === undefined ? '' : `"p":"${parentSpanId}",`
  const times = `"s":${toMicroseconds(startMs)},"d":${toMicroseconds(endMs - startMs)}`
  const linked = links.length === 0 ? '' : `,"l":${JSON.stringify(links.map(formatTraceparent))}`
  const failed = error === undefined ? '' : `,"e":${JSON.stringify(error)}`
  const head = `"c":"${formatTraceparent(context)}",${parent}"n":${JSON.stringify(name)},"k":"${kind}"`
  return `{${head},${times},"a":${JSON.stringify(attributes)}${linked}${failed}}\n`
}

/** A line as a span; undefined when the line is incomplete, because its process is writing it, or is of another version. */
export function parseRingLine(text: string): SpanRecord | undefined {
  const parsed = line.safeParse(parseJson(text))
  if (!parsed.success) return undefined
  const { c, p, n, k, s, d, a = {}, l = [], e } = parsed.data
  const context = parseTraceparent(c)
  if (context === undefined) return undefined
  const links = l.map(parseTraceparent).filter((one) => one !== undefined)
  return {
    name: n,
    kind: k,
    context,
    parentSpanId: p,
    isParentRemote: false,
    startMs: s,
    endMs: s + d,
    attributes: a,
    links,
    error: e,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function toMicroseconds(valueMs: number): number {
  return Math.round(valueMs * 1000) / 1000
}
