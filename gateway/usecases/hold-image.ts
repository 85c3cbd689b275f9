import type { FormatId } from '@pixelflow/core/format'
import type { ImageRecord } from '@pixelflow/core/image'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { demand, type Principal } from '@pixelflow/core/principal'
import type { Inline, Ports } from './ports.ts'
import { damaged, demandAcceptable, receiveImage, type Upload } from './receive-image.ts'
import { keepImage } from './upload-image.ts'

/** A picture that has come in to be processed at once: in memory, or in the store where it was too much for that. */
export interface HeldImage {
  readonly format: FormatId
  /** The whole file, if it is in memory. */
  readonly data: Uint8Array | undefined
  /** Makes it an image of the account. */
  keep(): Promise<ImageRecord>
  /** Leaves nothing behind, unless it was kept. May be called again. */
  drop(): Promise<void>
}

/**
 * Takes a picture in to be processed at once, under the same rules as an upload. A small one stays in memory, which is
 * bounded over all of them; one that does not fit goes on into the store from where it is.
 * @throws Fault as an upload does; nothing is left behind then.
 */
export function holdImage(ports: Pick<Ports, 'images' | 'sources' | 'limits' | 'inline'>) {
  const { images, sources, limits, inline } = ports
  return async (who: Principal, upload: Upload): Promise<HeldImage> => {
    demand(who, 'images:write')
    demandAcceptable(upload, limits)
    const sink = createSink(inline, () => sources.begin())
    try {
      const received = await receiveImage(upload, sink, limits)
      const promised = upload.sha256?.()
      const { data } = sink
      if (data !== undefined && promised !== undefined && promised !== digestOf(data)) throw damaged()
      return {
        format: received.format,
        data,
        keep: async () => keepImage(images, who, await sink.stored(), received, promised),
        drop: sink.drop,
      }
    } catch (thrown) {
      await sink.drop()
      throw thrown
    }
  }
}

const leastRoom = 64 * 1024

/** Keeps bytes in memory for as long as they fit. */
function createSink({ maxBytes, memory }: Inline, begin: () => Promise<BlobWrite>) {
  let buffer = new Uint8Array(0)
  let length = 0
  let write: BlobWrite | undefined

  /** Room grows with what has come, not with what was promised: a promise costs a client nothing. */
  const hasRoom = (bytes: number): boolean => {
    if (bytes > maxBytes) return false
    if (bytes <= buffer.length) return true
    const larger = Math.min(maxBytes, Math.max(bytes, 2 * buffer.length, leastRoom))
    if (!memory.tryTake(larger - buffer.length)) return false
    const grown = new Uint8Array(larger)
    grown.set(buffer.subarray(0, length))
    buffer = grown
    return true
  }
  const forget = () => {
    memory.give(buffer.length)
    buffer = new Uint8Array(0)
    length = 0
  }

  const stored = async (): Promise<BlobWrite> => {
    if (write !== undefined) return write
    write = await begin()
    await write.write(buffer.subarray(0, length))
    forget()
    return write
  }

  return {
    async write(chunk: Uint8Array) {
      if (write !== undefined || !hasRoom(length + chunk.length)) return (await stored()).write(chunk)
      buffer.set(chunk, length)
      length += chunk.length
    },
    get data() {
      return write === undefined ? buffer.subarray(0, length) : undefined
    },
    stored,
    async drop() {
      forget()
      await write?.abort()
    },
  }
}

function digestOf(data: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(data).digest('hex')
}
