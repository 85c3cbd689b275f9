import { z } from 'zod'
import { formatIds } from './format.ts'
import { accountId } from './principal.ts'
import { describedPattern } from './validation/described-pattern.ts'

/** An id as the gateway makes it: a UUIDv7, so ids sort by time and cannot be guessed. */
export const id = describedPattern(
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  'an id of this server (a UUIDv7 in lower case)',
)

export const sha256 = describedPattern(/^[0-9a-f]{64}$/, 'a SHA-256 (64 hexadecimal digits)')

/**
 * One uploaded image: a small record of its account that points at a blob. Two uploads of the same bytes are two
 * records and one blob.
 */
export const imageRecord = z.object({
  id,
  account: accountId,
  sha256,
  /** Size of the stored file in bytes. */
  bytes: z.int().positive(),
  format: z.enum(formatIds),
  /** Pixels, as the file's header states them; null when the first bytes do not say. */
  width: z.int().positive().nullable(),
  height: z.int().positive().nullable(),
  createdAt: z.iso.datetime(),
})
export type ImageRecord = z.infer<typeof imageRecord>

/** Name of the blob that holds an image's bytes. Equal bytes of one account share it; accounts share nothing. */
export function blobName(account: string, digest: string): string {
  return `${account}/${digest}`
}
