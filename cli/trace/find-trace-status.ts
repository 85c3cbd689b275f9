import { hasEnded, statuses, type Status } from '@pixelflow/core/status'
import { within } from '@pixelflow/core/within'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import type { ProcessSpan } from '@pixelflow/platform/telemetry/tracing/ring/read-ring'
import { openClientFor, type ServerFlags } from '../commands/server-flags.ts'
import type { Context } from '../context.ts'

/** How far a traced task is. */
export interface TraceStatus {
  /** Undefined when the end is not recorded, and the server does not tell the status. */
  readonly status: Status | undefined
  /** Whether the spans include the event that ends the task. */
  readonly isEndRecorded: boolean
}

/** The trace does not depend on the server, so a server that does not answer must not delay it for long. */
const maxWaitMs = 3000

/** Spans are recorded when they end, so only the final event shows that none is missing. Without it, the server is asked. */
export async function findTraceStatus(
  task: string,
  spans: readonly ProcessSpan[],
  context: Context,
  options: ServerFlags,
): Promise<TraceStatus> {
  const kinds = new Set(
    spans.flatMap(({ attributes }) => String(attributes[attributeNames.events] ?? '').split(' ')),
  )
  const recorded = statuses.find((status) => hasEnded(status) && kinds.has(status))
  if (recorded !== undefined) return { status: recorded, isEndRecorded: true }
  const status = await within(askStatus(task, context, options), maxWaitMs)
  return { status, isEndRecorded: false }
}

async function askStatus(task: string, context: Context, options: ServerFlags): Promise<Status | undefined> {
  try {
    await using server = await openClientFor(context, options)
    return (await server.task(task)).status
  } catch {
    // The trace is shown also without a server, and of tasks that were deleted since.
    return undefined
  }
}
