import { z } from 'zod'
import { id, imageRecord, sha256 } from './image.ts'
import { task } from './task.ts'

/** The resource that a call created, as its first answer returned it. */
export const createdResource = z.union([
  z.object({ image: imageRecord }).strict(),
  z.object({ task }).strict(),
])
export type CreatedResource = z.infer<typeof createdResource>

const currentRecord = z.object({
  /** `working`: a call renews its lease on the key; `open`: the last call failed and any gateway may run the next. */
  state: z.enum(['working', 'open', 'done']),
  image: id,
  task: id,
  /** Differs for each call that acquires the lease on the key. */
  holder: z.string(),
  /** How often the call has written this record after it acquired the lease. */
  renewals: z.int().nonnegative(),
  /** Digest of the request; absent until the request has been read. */
  fingerprint: sha256.optional(),
  created: createdResource.optional(),
  /** The span of the call that created it, as a W3C `traceparent`; only where the server records traces. */
  traceparent: z.string().optional(),
})

/** Fields that earlier versions wrote, with the field that replaces each. */
const renamedFields: Readonly<Record<string, keyof z.infer<typeof currentRecord>>> = {
  attempt: 'holder',
  beat: 'renewals',
  made: 'created',
}

/**
 * State of a call with an idempotency key. The resource that the call creates gets the ids of this record, so that a
 * second call with the same key finds what an interrupted first call created. Also reads records of earlier versions.
 */
export const idempotencyRecord = z.preprocess(withCurrentFields, currentRecord)
export type IdempotencyRecord = z.infer<typeof idempotencyRecord>

function withCurrentFields(stored: unknown): unknown {
  if (typeof stored !== 'object' || stored === null) return stored
  const entries = Object.entries(stored).map(([name, value]): [string, unknown] => [
    Object.hasOwn(renamedFields, name) ? (renamedFields[name] ?? name) : name,
    value,
  ])
  return Object.fromEntries(entries)
}
