import type { SessionHandler, LiveKind } from '@pixelflow/core/ports/sessions'
import type { JobHandler } from '../runtime/job-handler.ts'
import { preview, type PreviewKindOptions } from './preview/preview-kind.ts'
import { liveTransform, type LiveTransformOptions } from './transform/live-transform-kind.ts'
import { transform, type TransformOptions } from './transform/transform-kind.ts'

/** What all kinds together need. */
export type KindParts = TransformOptions

/** Every kind of actor, each with the half that runs in this process; `inner.ts` lists the other halves. */
export function handlersOf(parts: KindParts): JobHandler[] {
  return [transform(parts)]
}

/** What all live kinds together need. */
export type LiveParts = LiveTransformOptions &
  PreviewKindOptions & {
    /** Sessions at once whose work has a child of its own. */
    readonly concurrency: number
    /** Pictures tuned at once; most of the time they wait for somebody's next move. */
    readonly previewSessions: number
  }

/** What every kind does while somebody waits for it. */
export function liveKindsOf(parts: LiveParts): ReadonlyMap<LiveKind, SessionHandler> {
  // Whoever waits is better served by an actor whose children do not keep crashing.
  const isResting = () => parts.sandbox.isResting
  return new Map([
    // While the children compute, further sources arrive and results leave.
    ['transform', { capacity: 2 * parts.concurrency, isPaused: isResting, handle: liveTransform(parts) }],
    ['preview', { capacity: parts.previewSessions, isPaused: isResting, handle: preview(parts) }],
  ])
}
