import { freeBytes } from '@pixelflow/core/free-bytes'
import { faultCodesWith } from '@pixelflow/core/fault'
import type { ImageRecord } from '@pixelflow/core/image'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { noInput } from '@pixelflow/core/inputs'
import { inSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'
import type { Ports } from '../ports.ts'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { receiveImage, requireAcceptable, type ImageUpload } from './receive-image.ts'
import {
  createStorable,
  storeImage,
  type ImageStores,
  type Storable,
  type StoreImageOptions,
} from './store-image.ts'

/** An upload that has arrived completely. Exactly one of its methods ends it. */
export interface StagedImage extends Storable {
  /** Deletes the bytes. */
  drop(): Promise<void>
}

export const uploadImage = declareStream({
  name: 'uploadImage',
  tag: 'images',
  summary: 'Upload an image',
  description:
    'The file is the request body, or the part `file` of a form. The format is detected from the bytes, not from the name or media type.',
  http: { method: 'POST', path: '/api/v1/images' },
  rpc: ImageService.method.upload,
  access: 'images:write',
  faults: [...faultCodesWith('isUploadFault'), 'storage_failed'],
  creates: { resource: 'image', keyKind: 'upload' },
  limits: 'image',
  input: noInput,
  open: storeUpload,
})

/**
 * Streams an image into the store while its type, size and pixels are checked. A fault leaves nothing in the store.
 * @throws Fault `unsupported_format`, `image_too_large`, `too_many_pixels`, `truncated_upload`, `invalid_request`.
 */
function storeUpload(ports: ImageStores & Pick<Ports, 'limits'>) {
  const stage = stageImage(ports)
  return async (
    who: Principal,
    upload: ImageUpload,
    options?: StoreImageOptions<ImageRecord>,
  ): Promise<ImageRecord> => (await stage(who, upload)).store(options)
}

/** The first half of an upload, for calls that must read more of the request before they store the image. */
export function stageImage({ limits, ...stores }: ImageStores & Pick<Ports, 'limits'>) {
  return async (who: Principal, upload: ImageUpload): Promise<StagedImage> => {
    requireScope(who, 'images:write')
    requireAcceptable(upload, limits)
    const write = await stores.sources.begin(upload.bytes ?? undefined)
    try {
      const received = await inSpan('receive body', {}, () =>
        receiveImage(upload, freeWhenWritten(write), limits),
      )
      const store = <T>(options?: StoreImageOptions<T>) =>
        inSpan('store source', {}, () => storeImage(stores, who, write, received, upload.sha256?.(), options))
      return { ...createStorable(stores, store), drop: () => write.abort() }
    } catch (thrown) {
      await write.abort()
      throw thrown
    }
  }
}

/** The store copies what it writes, so the pieces of the request are not needed afterwards. */
function freeWhenWritten(write: BlobWrite): Pick<BlobWrite, 'write'> {
  return {
    async write(chunk) {
      await write.write(chunk)
      freeBytes(chunk)
    },
  }
}
