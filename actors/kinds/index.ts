import type { JobKind, SessionKind } from './job-kind.ts'
import { previewKind } from './preview/preview-kind.ts'
import { liveTransformKind } from './transform/live-transform-kind.ts'
import { transformKind } from './transform/transform-kind.ts'

/** Kinds of queued work, one line each. The part of a kind that runs in workers has its line in `worker-handlers.ts`. */
export const jobKinds: readonly JobKind[] = [transformKind]

/** Kinds of live work, one line each. */
export const sessionKinds: readonly SessionKind[] = [liveTransformKind, previewKind]
