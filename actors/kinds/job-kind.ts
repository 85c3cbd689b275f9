import type { ImageRecord } from '@pixelflow/core/image'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { Records } from '@pixelflow/core/ports/records'
import type { SessionHandler, LiveKind } from '@pixelflow/core/ports/sessions'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { ActorSettings } from '../config.ts'
import type { JobHandler } from '../runtime/job-handler.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Scratch } from '../sandbox/scratch.ts'

/** What an actor process offers to its kinds. Each kind takes what it needs. */
export interface KindContext {
  readonly images: Records<ImageRecord>
  readonly sources: Blobs
  readonly results: Blobs
  readonly scratch: Scratch
  readonly sandbox: Sandbox
  readonly settings: ActorSettings
  readonly log: Logger
}

/** A kind of queued work: creates the handler of its jobs. */
export type JobKind = (context: KindContext) => JobHandler

/** A kind of live work, for callers that wait for the answer. */
export interface SessionKind {
  readonly kind: LiveKind
  /** Whether open sessions may finish when the actor stops; else their clients continue with another actor at once. */
  readonly finishesOnDrain: boolean
  host(context: KindContext): SessionHandler
}
