import { z } from 'zod'
import { id, imageRecord, sha256 } from './image.ts'
import { task } from './task.ts'

/** The resource that a call created, as its first answer returned it. */
export const createdResource = z.union([
  z.object({ image: imageRecord }).strict(),
  z.object({ task }).strict(),
])
export type CreatedResource = z.infer<typeof createdResource>

/**
 * State of a call with an idempotency key. The resource that the call creates gets the ids of this record, so that a
 * second attempt with the same key finds what an interrupted first attempt created.
 */
export const idempotencyRecord = z.object({
  /** `working`: an attempt renews this record; `open`: the last attempt failed and any gateway may start the next. */
  state: z.enum(['working', 'open', 'done']),
  image: id,
  task: id,
  /** The attempt that wrote this record, and how often it has done so. */
  attempt: z.string(),
  beat: z.int().nonnegative(),
  /** Digest of the request; absent until the request has been read. */
  fingerprint: sha256.optional(),
  made: createdResource.optional(),
})
export type IdempotencyRecord = z.infer<typeof idempotencyRecord>
