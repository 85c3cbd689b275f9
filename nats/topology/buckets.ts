import type { Layout } from './streams.ts'

/** The buckets of the key-value store (`$KV`) and of the object store (`$O`), with their streams and subjects. */

export const recordBuckets = { images: 'images', idempotency: 'idempotency' } as const
export const recordStream = (bucket: string) => `KV_${bucket}`
export const recordSubjects = (bucket: string) => `$KV.${bucket}.>`
export const recordSubject = (bucket: string, account: string, id: string) => `$KV.${bucket}.${account}.${id}`

export const blobBuckets = { sources: 'sources', results: 'results' } as const
export const blobStream = (bucket: string) => `OBJ_${bucket}`
export const chunkSubject = (bucket: string, nuid: string) => `$O.${bucket}.C.${nuid}`
export const blobSubjects = (bucket: string) => `$O.${bucket}.M.>`
export function blobSubject(bucket: string, name: string): string {
  const plain = Buffer.from(name).toString('base64url')
  return `$O.${bucket}.M.${plain.padEnd(Math.ceil(plain.length / 4) * 4, '=')}`
}

/** Age up to which a blob is reused when the same name is written again; see the Blobs port. */
export function blobReuseMs(bucket: string, layout: Layout): number {
  return bucket === blobBuckets.sources ? layout.imageRetentionMs : layout.resultRetentionMs
}
