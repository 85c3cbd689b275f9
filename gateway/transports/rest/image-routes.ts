import { viewImage } from '@pixelflow/core/views'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { ImageLimits } from '../../ports.ts'
import { storeImageOptions } from '../../idempotency/with-idempotency.ts'
import type { Usecases } from '../../usecases.ts'
import { readBody, contentLengthOf, mediaTypeOf } from '../shared/read-body.ts'
import { startIdleTimeout } from './start-idle-timeout.ts'
import { authenticate } from '../shared/authenticate.ts'
import type { SendContent } from './send-content.ts'
import { createdResponse, idempotencyKeyOf } from './created-response.ts'
import { storeImageFromForm } from './upload-form.ts'

export interface ImageRouteOptions {
  readonly usecases: Usecases
  readonly authenticator: Authenticator
  readonly sendContent: SendContent
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
}

export function imageRoutes({
  usecases,
  authenticator,
  sendContent,
  limits,
  uploadIdleTimeoutMs,
}: ImageRouteOptions) {
  return new Elysia({ name: 'images', prefix: '/api/v1/images' })
    .use(authenticate(authenticator))
    .post(
      '/',
      async ({ request, server, principal }) => {
        const idleTimeout = startIdleTimeout(server, request, uploadIdleTimeoutMs)
        const mediaType = mediaTypeOf(request)
        const call = { key: idempotencyKeyOf(request), call: 'upload', creates: 'image' } as const
        const { value, replayed } = await usecases.withIdempotency(
          principal,
          call,
          async (idempotentCall) => {
            const options = storeImageOptions(idempotentCall)
            if (mediaType === 'multipart/form-data')
              return storeImageFromForm({ usecases, limits }, principal, request, idleTimeout, options)
            const upload = {
              body: readBody(request, idleTimeout),
              mediaType,
              bytes: contentLengthOf(request),
            }
            return usecases.uploadImage(principal, upload, options)
          },
        )
        return createdResponse(201, `/api/v1/images/${value.id}`, viewImage(value), replayed)
      },
      { parse: 'none' },
    )
    .get('/:id', async ({ params, principal }) => viewImage(await usecases.getImage(principal, params.id)))
    .get('/:id/content', async ({ params, request, server, principal }) =>
      sendContent({ request, server }, await usecases.readImage(principal, params.id)),
    )
    .head('/:id/content', async ({ params, request, server, principal }) =>
      sendContent({ request, server }, await usecases.readImage(principal, params.id)),
    )
    .delete(
      '/:id',
      async ({ params, principal }) => {
        await usecases.deleteImage(principal, params.id)
        return new Response(null, { status: 204 })
      },
      { parse: 'none' },
    )
}
