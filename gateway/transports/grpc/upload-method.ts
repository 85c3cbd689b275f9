import { viewImage } from '@pixelflow/core/views'
import { toMessage } from '@pixelflow/proto/message-json'
import { ImageSchema, type ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import * as calls from '../../calls/calls.gen.ts'
import type { CallRunner } from '../../calls/call-runner.ts'
import { storeImageOptions } from '../../idempotency/with-idempotency.ts'
import type { Usecases } from '../../usecases.ts'
import type { Implementation } from './implementation.ts'
import { readUpload } from './read-upload.ts'

/** The method that receives an image in chunks. */
export function uploadMethod(
  { uploadImage }: Usecases,
  runner: CallRunner,
  uploadIdleTimeoutMs: number,
): Pick<Implementation<typeof ImageService>, 'upload'> {
  return {
    async upload(messages, call) {
      const who = call.principal()
      const upload = await readUpload(messages, uploadIdleTimeoutMs)
      const { value } = await runner.create(calls.uploadImage, 'image', who, call, (keyed) =>
        uploadImage(who, upload, storeImageOptions(keyed)),
      )
      return { image: toMessage(ImageSchema, viewImage(value)) }
    },
  }
}
