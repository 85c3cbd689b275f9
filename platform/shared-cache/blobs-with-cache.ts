import { isInlineLocation } from '@pixelflow/core/inline-location'
import type { Blobs, BlobWrite, ByteRange } from '@pixelflow/core/ports/blobs'
import type { EntryWriter } from './entry-writer.ts'
import type { SharedCache } from './shared-cache.ts'

/**
 * Blobs whose new bytes are also cached, and whose reads look into the cache first. The account is the first part of a
 * blob's name. Only reads that know the digest can be answered by the cache; `delete` removes no entry, because it knows none.
 */
export function blobsWithCache(blobs: Blobs, cache: SharedCache): Blobs {
  return {
    begin: async (announcedBytes) => writeToBoth(await blobs.begin(), cache.begin(announcedBytes)),
    stat: (name) => blobs.stat(name),
    read: (name, range) => blobs.read(name, range),
    readLocated(blob, createMissingFault, range) {
      const { name, bytes, sha256 } = blob
      const readStored = () => blobs.readLocated(blob, createMissingFault, range)
      // The store refuses a range outside of the content.
      if (isInlineLocation(blob.location) || !isInside(range, bytes)) return readStored()
      const key = { account: accountOf(name), sha256, bytes }
      // The file is opened at the start of the iteration, which closes it.
      return {
        [Symbol.asyncIterator]: () => (cache.read(key, range) ?? readStored())[Symbol.asyncIterator](),
      }
    },
    delete: (name) => blobs.delete(name),
  }
}

function writeToBoth(write: BlobWrite, entry: EntryWriter): BlobWrite {
  return {
    get bytes() {
      return write.bytes
    },
    write(chunk) {
      entry.append(chunk)
      return write.write(chunk)
    },
    digest: () => write.digest(),
    async commit(name, metadata, options) {
      try {
        // Not the digest of the result: a blob of that name that was stored before may have other bytes.
        const sha256 = await write.digest()
        const result = await write.commit(name, metadata, options)
        entry.commit(accountOf(result.info.name), sha256)
        return result
      } finally {
        entry.discard()
      }
    },
    abort() {
      entry.discard()
      return write.abort()
    },
  }
}

function isInside(range: ByteRange | undefined, bytes: number): boolean {
  return range === undefined || (range.start >= 0 && range.start <= range.end && range.start < bytes)
}

function accountOf(name: string): string {
  return name.slice(0, name.indexOf('/'))
}
