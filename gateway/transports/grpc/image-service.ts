import { fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { formatIds } from '@pixelflow/core/format'
import { Auth, type ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { storeImageOptions } from '../../idempotency/with-idempotency.ts'
import type { ImageLimits } from '../../ports.ts'
import type { Usecases } from '../../usecases.ts'
import { actorMethod } from './actor-method.ts'
import type { Implementation } from './implementation.ts'
import { processMethods } from './process-methods.ts'
import { requireId } from './require-id.ts'
import { taskMethods } from './task-methods.ts'
import { tuneMethod } from './tune-method.ts'
import { readUpload } from './read-upload.ts'
import { toImageMessage } from './to-image-message.ts'

export interface ImageServiceOptions {
  readonly usecases: Usecases
  readonly auth: Authenticator['auth']
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
  readonly version: string
}

const auths = { none: Auth.NONE, token: Auth.TOKEN, certificate: Auth.CERTIFICATE }

/** Implements pixelflow.v1.ImageService with the use cases, once for native gRPC, gRPC-Web and Connect. */
export function imageService(options: ImageServiceOptions): Implementation<typeof ImageService> {
  const { usecases, auth, limits, uploadIdleTimeoutMs, version } = options
  return {
    ...taskMethods(usecases),
    ...processMethods(usecases, uploadIdleTimeoutMs),
    ...tuneMethod(usecases),
    ...actorMethod(usecases),
    async getVersion() {
      return {
        version,
        maxUploadBytes: BigInt(limits.maxUploadBytes),
        maxPixels: BigInt(limits.maxPixels),
        formats: formatIds,
        auth: auths[auth],
      }
    },
    async listOperations(_, call) {
      const { operations, recipe } = usecases.listOperations(call.principal())
      return {
        operations: operations.map(({ examples, schema, text, ...one }) => ({
          ...one,
          text: { usage: text.usage, positional: [...text.positional] },
          schema: schema as unknown as JsonObject,
          examples: examples.map(({ text, recipe }) => ({
            text,
            recipe: fromJson(ValueSchema, recipe as JsonValue),
          })),
        })),
        recipe: recipe as unknown as JsonObject,
      }
    },
    async upload(messages, call) {
      const principal = call.principal()
      const upload = await readUpload(messages, uploadIdleTimeoutMs)
      const options = { key: call.idempotencyKey, call: 'upload', creates: 'image' } as const
      const { value } = await usecases.withIdempotency(principal, options, (idempotentCall) =>
        usecases.uploadImage(principal, upload, storeImageOptions(idempotentCall)),
      )
      return { image: toImageMessage(value) }
    },
    async getImage({ id }, call) {
      return {
        image: toImageMessage(await usecases.getImage(call.principal(), requireId('id', id, 'image'))),
      }
    },
    async deleteImage({ id }, call) {
      await usecases.deleteImage(call.principal(), requireId('id', id, 'image'))
      return {}
    },
  }
}
