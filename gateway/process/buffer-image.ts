import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import type { InlineProcessing, Ports } from '../ports.ts'
import {
  damaged,
  requireAcceptable,
  receiveImage,
  type ReceivedImage,
  type ImageUpload,
} from '../images/receive-image.ts'
import { storeImage, storable, type StoreImageOptions, type Storable } from '../images/upload-image.ts'

/** A picture that has come in to be processed at once: in memory, or in the store where it was too much for that. */
export interface BufferedImage extends ReceivedImage, Storable {
  /** The whole file in the pieces it came in, if it is in memory. */
  readonly parts: readonly Uint8Array[] | undefined
  /** Leaves nothing behind, unless it was kept. May be called again. */
  drop(): Promise<void>
}

/**
 * Takes a picture in to be processed at once, under the same rules as an upload. A small one stays in memory, which is
 * bounded over all of them; one that does not fit goes on into the store from where it is.
 * @throws Fault as an upload does; nothing is left behind then.
 */
export function bufferImage(ports: Pick<Ports, 'images' | 'sources' | 'events' | 'limits' | 'inline'>) {
  const { images, sources, limits, inline } = ports
  return async (who: Principal, upload: ImageUpload): Promise<BufferedImage> => {
    requireScope(who, 'images:write')
    requireAcceptable(upload, limits)
    const sink = createSink(inline, () => sources.begin())
    try {
      const received = await receiveImage(upload, sink, limits)
      const promised = upload.sha256?.()
      const { parts } = sink
      if (parts !== undefined && promised !== undefined && promised !== digestOf(parts)) throw damaged()
      const keep = async (as?: StoreImageOptions) =>
        storeImage(ports, who, await sink.stored(), received, promised, as)
      return {
        ...received,
        parts,
        ...storable(images, keep),
        drop: sink.drop,
      }
    } catch (thrown) {
      await sink.drop()
      throw thrown
    }
  }
}

/** Shorter pieces are put together, so that what is held is about what it is counted as. */
const shortest = 16 * 1024

/** Keeps bytes in memory for as long as they fit. What comes in large pieces stays in them: a copy costs a file as much as its way here. */
function createSink({ maxBytes, memory }: InlineProcessing, begin: () => Promise<BlobWrite>) {
  const parts: Uint8Array[] = []
  /** Where short pieces are put together, after the other parts. */
  let shelf: Uint8Array | undefined
  let filled = 0
  let length = 0
  let taken = 0
  let write: BlobWrite | undefined

  const take = (bytes: number): boolean => {
    if (!memory.tryTake(bytes)) return false
    taken += bytes
    return true
  }
  const shut = () => {
    if (shelf !== undefined) parts.push(shelf.subarray(0, filled))
    shelf = undefined
    filled = 0
  }
  /** False when there is no room for it. */
  const keep = (chunk: Uint8Array): boolean => {
    if (length + chunk.length > maxBytes) return false
    if (chunk.length >= shortest) {
      if (!take(chunk.length)) return false
      shut()
      parts.push(chunk)
    } else {
      if (shelf !== undefined && filled + chunk.length > shelf.length) shut()
      if (shelf === undefined) {
        if (!take(shortest)) return false
        shelf = new Uint8Array(shortest)
      }
      shelf.set(chunk, filled)
      filled += chunk.length
    }
    length += chunk.length
    return true
  }
  const forget = () => {
    parts.length = 0
    shelf = undefined
    memory.give(taken)
    taken = 0
  }
  const stored = async (): Promise<BlobWrite> => {
    if (write !== undefined) return write
    write = await begin()
    shut()
    for (const part of parts) await write.write(part)
    forget()
    return write
  }

  return {
    async write(chunk: Uint8Array) {
      if (write !== undefined || !keep(chunk)) await (await stored()).write(chunk)
    },
    get parts() {
      if (write !== undefined) return undefined
      shut()
      return [...parts]
    },
    stored,
    async drop() {
      forget()
      await write?.abort()
    },
  }
}

function digestOf(parts: readonly Uint8Array[]): string {
  const hasher = new Bun.CryptoHasher('sha256')
  for (const part of parts) hasher.update(part)
  return hasher.digest('hex')
}
