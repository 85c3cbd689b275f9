import { z } from 'zod'
import { id, imageRecord, sha256 } from './image.ts'
import { task } from './task.ts'

/** What a call has made, as its first answer told it. */
export const made = z.union([z.object({ image: imageRecord }).strict(), z.object({ task }).strict()])
export type Made = z.infer<typeof made>

/**
 * What is known of a call that carries an idempotency key. Whatever it makes gets the ids that stand here, so that a
 * second attempt under the key meets what the first one has made, however far that came.
 */
export const keyRecord = z.object({
  /** `working`: somebody is at it, and renews this; `open`: an attempt has failed, anybody may make the next. */
  state: z.enum(['working', 'open', 'done']),
  image: id,
  task: id,
  /** Which attempt this is the word of, and how often it has been said. */
  attempt: z.string(),
  beat: z.int().nonnegative(),
  /** Digest of what was asked for, once that is known. */
  fingerprint: sha256.optional(),
  made: made.optional(),
})
export type KeyRecord = z.infer<typeof keyRecord>
