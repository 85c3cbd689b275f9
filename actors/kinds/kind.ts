import type { actorKindRows, ActorKindRow } from '@pixelflow/core/actor-kinds'
import type { ImageRecord } from '@pixelflow/core/image'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import type { Records } from '@pixelflow/core/ports/records'
import type { SessionHandler } from '@pixelflow/core/ports/sessions'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { SharedCache } from '@pixelflow/platform/shared-cache/shared-cache'
import type { SharedFileFinder } from '@pixelflow/platform/shared-files/shared-file-finder'
import type { ActorSettings } from '../config.ts'
import type { JobHandler } from '../runtime/job-handler.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Scratch } from '../sandbox/scratch.ts'

/** What an actor process offers to its kinds. Each kind takes what it needs. */
export interface KindContext {
  readonly images: Records<ImageRecord>
  readonly sources: Blobs
  readonly results: Blobs
  /** Copies of bytes that processes of this machine have just stored. */
  readonly sharedCache: SharedCache
  /** Files that gateways of this machine share while a call runs. */
  readonly sharedFiles: SharedFileFinder
  readonly scratch: Scratch
  readonly sandbox: Sandbox
  readonly settings: ActorSettings
  readonly log: Logger
}

/** A kind that takes jobs from the queue. */
export interface KindWithJobs {
  createJobHandler(context: KindContext): JobHandler
}

/** A kind that serves live sessions, for callers that wait for the answer. */
export interface KindWithSessions {
  createSessionHandler(context: KindContext): SessionHandler
  /** Whether open sessions may finish when the actor stops; else their clients continue with another actor at once. */
  readonly finishesOnDrain: boolean
}

/** What the folder of a kind exports as `<name>Kind`: what its row says. */
type KindOf<Row extends ActorKindRow> = (Row extends { readonly hasJobs: true } ? KindWithJobs : unknown) &
  (Row extends { readonly hasSessions: true } ? KindWithSessions : unknown)

/** The kinds by name. */
export type Kinds = { readonly [Row in (typeof actorKindRows)[number] as Row['name']]: KindOf<Row> }
