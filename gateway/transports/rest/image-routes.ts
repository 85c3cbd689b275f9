import { viewImage } from '@pixelflow/core/api'
import { Elysia } from 'elysia'
import type { Admission } from '../../accounts/authenticator.ts'
import type { ImageLimits } from '../../ports.ts'
import { storeImageOptions } from '../../idempotency/with-idempotency.ts'
import type { Usecases } from '../../usecases.ts'
import { allowPauses, bodyOf, lengthOf, mediaTypeOf } from '../shared/read-body.ts'
import { caller } from '../shared/authenticate.ts'
import type { Deliver } from './send-content.ts'
import { created, idempotencyKeyOf } from './created-response.ts'
import { uploadForm } from './upload-form.ts'

export interface ImageRoutes {
  readonly usecases: Usecases
  readonly admission: Admission
  readonly deliver: Deliver
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
}

export function images({ usecases, admission, deliver, limits, uploadIdleTimeoutMs }: ImageRoutes) {
  return new Elysia({ name: 'images', prefix: '/api/v1/images' })
    .use(caller(admission))
    .post(
      '/',
      async ({ request, server, who }) => {
        const alive = allowPauses(server, request, uploadIdleTimeoutMs)
        const mediaType = mediaTypeOf(request)
        const asked = { key: idempotencyKeyOf(request), call: 'upload', makes: 'image' } as const
        const { value, replayed } = await usecases.withIdempotency(who, asked, async (attempt) => {
          const as = storeImageOptions(attempt)
          if (mediaType === 'multipart/form-data')
            return uploadForm({ usecases, limits }, who, request, alive, as)
          const upload = { body: bodyOf(request, alive), mediaType, bytes: lengthOf(request) }
          return usecases.uploadImage(who, upload, as)
        })
        return created(201, `/api/v1/images/${value.id}`, viewImage(value), replayed)
      },
      { parse: 'none' },
    )
    .get('/:id', async ({ params, who }) => viewImage(await usecases.inspectImage(who, params.id)))
    .get('/:id/content', async ({ params, request, server, who }) =>
      deliver({ request, server }, await usecases.readImage(who, params.id)),
    )
    .head('/:id/content', async ({ params, request, server, who }) =>
      deliver({ request, server }, await usecases.readImage(who, params.id)),
    )
    .delete(
      '/:id',
      async ({ params, who }) => {
        await usecases.deleteImage(who, params.id)
        return new Response(null, { status: 204 })
      },
      { parse: 'none' },
    )
}
