import { createTaskBody } from '@pixelflow/core/create-task-body'
import { viewTask } from '@pixelflow/core/views'
import { Fault } from '@pixelflow/core/fault'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { shorten } from '@pixelflow/core/shorten'
import { statuses } from '@pixelflow/core/task'
import { validate } from '@pixelflow/core/validation/validate'
import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { ImageLimits } from '../../ports.ts'
import type { Usecases } from '../../usecases.ts'
import { mediaTypeOf, readJson } from '../shared/read-body.ts'
import { startIdleTimeout } from './start-idle-timeout.ts'
import { authenticate } from '../shared/authenticate.ts'
import { describeTaskRequest } from '../../tasks/create-task.ts'
import { createdResponse, idempotencyKeyOf } from './created-response.ts'
import type { SendContent } from './send-content.ts'
import { createTaskFromForm } from './upload-form.ts'
import { readPositionHeader, recordPosition } from './position-headers.ts'

/** Query of `GET /api/v1/tasks`. */
export const listQuery = z.strictObject({
  status: z.enum(statuses).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
})

export interface TaskRouteOptions {
  readonly usecases: Usecases
  readonly authenticator: Authenticator
  readonly sendContent: SendContent
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
}

export function taskRoutes({
  usecases,
  authenticator,
  sendContent,
  limits,
  uploadIdleTimeoutMs,
}: TaskRouteOptions) {
  return new Elysia({ name: 'tasks', prefix: '/api/v1/tasks' })
    .use(authenticate(authenticator))
    .post(
      '/',
      async ({ request, server, principal }) => {
        const idleTimeout = startIdleTimeout(server, request, uploadIdleTimeoutMs)
        const key = idempotencyKeyOf(request)
        const { value: task, replayed } = await create()
        recordPosition(request, usecases, principal.account)
        return createdResponse(202, `/api/v1/tasks/${task.id}`, viewTask(task), replayed)

        async function create() {
          const mediaType = mediaTypeOf(request)
          if (mediaType === 'multipart/form-data') {
            return usecases.withIdempotency(
              principal,
              { key, call: 'upload-and-task', creates: 'task' },
              (idempotentCall) =>
                createTaskFromForm({ usecases, limits }, principal, request, idleTimeout, idempotentCall),
            )
          }
          if (mediaType !== 'application/json') throw unsupportedContentType(mediaType)
          const body = validate(createTaskBody, await readJson(request, idleTimeout), { whole: 'the body' })
          const { image, lane } = body
          const recipe = parseRecipe(body.recipe)
          return usecases.withIdempotency(
            principal,
            { key, call: 'task', creates: 'task' },
            async (idempotentCall) =>
              idempotentCall?.earlierResult(image, ...describeTaskRequest(recipe, lane)) ??
              usecases.createTask(principal, image, recipe, { id: idempotentCall?.task, lane }),
          )
        }
      },
      { parse: 'none' },
    )
    .get('/', async ({ query, request, principal }) => {
      const { status, limit, cursor } = validate(listQuery, query, { whole: 'the query' })
      const filter = {
        limit,
        ...(status === undefined ? {} : { status }),
        ...(cursor === undefined ? {} : { cursor }),
      }
      const { items, next } = await usecases.listTasks(principal, filter, readPositionHeader(request))
      return { items: items.map(viewTask), next }
    })
    .get('/:id', async ({ params, request, principal }) =>
      viewTask(await usecases.getTask(principal, params.id, readPositionHeader(request))),
    )
    .post(
      '/:id/cancel',
      async ({ params, request, principal }) => {
        const task = await usecases.cancelTask(principal, params.id)
        recordPosition(request, usecases, principal.account)
        return viewTask(task)
      },
      { parse: 'none' },
    )
    .post(
      '/:id/retry',
      async ({ params, request, principal }) => {
        const call = { key: idempotencyKeyOf(request), call: 'retry', creates: 'task' } as const
        const { value: task, replayed } = await usecases.withIdempotency(
          principal,
          call,
          async (idempotentCall) =>
            idempotentCall?.earlierResult(params.id) ??
            usecases.retryTask(principal, params.id, idempotentCall?.task),
        )
        recordPosition(request, usecases, principal.account)
        return createdResponse(202, `/api/v1/tasks/${task.id}`, viewTask(task), replayed)
      },
      { parse: 'none' },
    )
    .delete(
      '/:id',
      async ({ params, request, principal }) => {
        await usecases.deleteTask(principal, params.id)
        recordPosition(request, usecases, principal.account)
        return new Response(null, { status: 204 })
      },
      { parse: 'none' },
    )
    .get('/:id/outputs/:name', async ({ params, request, server, principal }) =>
      sendContent({ request, server }, await usecases.readOutput(principal, params.id, params.name)),
    )
    .head('/:id/outputs/:name', async ({ params, request, server, principal }) =>
      sendContent({ request, server }, await usecases.readOutput(principal, params.id, params.name)),
    )
}

function unsupportedContentType(mediaType: string | null): Fault {
  const problem =
    mediaType === null
      ? 'Content-Type is missing.'
      : `Content-Type ${shorten(mediaType, 100)} is not supported.`
  return new Fault('unsupported_format', problem, {
    field: 'Content-Type',
    remedy:
      'Send {"image", "recipe"} as application/json, or the parts file and recipe as multipart/form-data.',
  })
}
