import { Fault } from '@pixelflow/core/fault'
import { format } from '@pixelflow/core/format'
import { blobName, type ImageRecord } from '@pixelflow/core/image'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import type { Records } from '@pixelflow/core/ports/records'
import { demand, type Principal } from '@pixelflow/core/principal'
import { keyReused } from './once.ts'
import type { Ports } from './ports.ts'
import { damaged, demandAcceptable, receiveImage, type Received, type Upload } from './receive-image.ts'

/** What an image is to be when a call may be made again: of this id, and known by its digest before it is stored. */
export interface KeepAs {
  readonly id: string
  /** Whatever it throws gets through, and then nothing is left behind. */
  readonly found: (sha256: string) => void
}

/** A file that has arrived whole and is nobody's yet. Exactly one of the two ends it. */
export interface StagedImage {
  keep(as?: KeepAs): Promise<ImageRecord>
  /** Leaves nothing behind. */
  drop(): Promise<void>
}

/**
 * Takes an image in, streamed into the store while type, size and pixels are checked; whatever is wrong with it, nothing
 * is left behind.
 * @throws Fault `unsupported_format`, `image_too_large`, `too_many_pixels`, `truncated_upload`, `invalid_request`.
 */
export function uploadImage(ports: Pick<Ports, 'images' | 'sources' | 'limits'>) {
  const stage = stageImage(ports)
  return async (who: Principal, upload: Upload, as?: KeepAs): Promise<ImageRecord> =>
    (await stage(who, upload)).keep(as)
}

/** The same in two steps, for calls that need more than the file before they know that they want it. */
export function stageImage({ images, sources, limits }: Pick<Ports, 'images' | 'sources' | 'limits'>) {
  return async (who: Principal, upload: Upload): Promise<StagedImage> => {
    demand(who, 'images:write')
    demandAcceptable(upload, limits)
    const write = await sources.begin()
    try {
      const received = await receiveImage(upload, write, limits)
      const keep = (as?: KeepAs) => keepImage(images, who, write, received, upload.sha256?.(), as)
      return { keep, drop: () => write.abort() }
    } catch (thrown) {
      await write.abort()
      throw thrown
    }
  }
}

/** Makes what was written an image of this account. @throws Fault `invalid_request` when it is not the promised one. */
export async function keepImage(
  images: Records<ImageRecord>,
  { account }: Principal,
  write: BlobWrite,
  received: Received,
  promised: string | undefined,
  as?: KeepAs,
): Promise<ImageRecord> {
  const { mediaType } = format(received.format)
  // A commit that throws leaves nothing behind.
  const name = (sha256: string) => {
    if (promised !== undefined && promised !== sha256) throw damaged()
    as?.found(sha256)
    return blobName(account, sha256)
  }
  const { info } = await write.commit(name, { mediaType })
  const record: ImageRecord = {
    id: as?.id ?? Bun.randomUUIDv7(),
    account,
    sha256: info.sha256,
    bytes: info.bytes,
    ...received,
    createdAt: new Date().toISOString(),
  }
  if (await images.create(account, record.id, record)) return record
  const earlier = as && (await images.get(account, record.id))
  if (earlier?.sha256 === record.sha256) return earlier
  if (earlier) throw keyReused()
  throw new Fault('internal', 'The image could not be recorded.', {
    cause: new Error(`id ${record.id} is taken`),
  })
}
