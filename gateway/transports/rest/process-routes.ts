import { viewTask } from '@pixelflow/core/api'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import { defaultLane, lanes, type Lane } from '@pixelflow/core/job'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { outputName, type Task } from '@pixelflow/core/task'
import { validate } from '@pixelflow/core/validation/validate'
import { Elysia } from 'elysia'
import { z } from 'zod'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { taskRequestParts } from '../../tasks/create-task.ts'
import type { BufferedImage } from '../../process/buffer-image.ts'
import { storeImageOptions, type IdempotentCall } from '../../idempotency/with-idempotency.ts'
import type { ImageLimits } from '../../ports.ts'
import { selectOutput, type ProcessResult } from '../../process/process-image.ts'
import type { Usecases } from '../../usecases.ts'
import { readBody, contentLengthOf, mediaTypeOf } from '../shared/read-body.ts'
import { startIdleTimeout, type IdleTimeout } from '../shared/idle-timeout.ts'
import { authenticate } from '../shared/authenticate.ts'
import { createdResponse, idempotencyKeyOf } from './created-response.ts'
import { contentHeaders, type SendBytes } from './send-content.ts'
import { parseRecipeField } from './upload-form.ts'
import { readProcessForm } from './process-form.ts'
import { recordPosition } from './position-headers.ts'

/** Query of `POST /api/v1/process`. */
export const processQuery = z.strictObject({
  recipe: z.string().optional(),
  output: outputName.optional(),
  lane: z.enum(lanes).optional(),
  download: z.enum(['1']).optional(),
})

export interface ProcessRouteOptions {
  readonly usecases: Usecases
  readonly authenticator: Authenticator
  readonly sendBytes: SendBytes
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
}

/** Image in, image out. */
export function processRoutes(needs: ProcessRouteOptions) {
  const { usecases, authenticator, sendBytes, uploadIdleTimeoutMs } = needs
  return new Elysia({ name: 'process' }).use(authenticate(authenticator)).post(
    '/api/v1/process',
    async ({ request, server, query, who }) => {
      const { recipe: inQuery, output, lane } = validate(processQuery, query, { whole: 'the query' })
      if (lane !== undefined && !prefersLater(request)) throw noTask()
      const known = inQuery === undefined ? undefined : parseRecipe(parseRecipeField(inQuery))
      const order = (recipe: Recipe) => selectOutput(recipe, output)
      // What cannot be done is told before the picture is read.
      if (known && !prefersLater(request)) order(known)

      const begin = performance.now()
      const alive = startIdleTimeout(server, request, uploadIdleTimeoutMs)
      const read = () => readPicture(needs, who, request, known, alive)
      if (prefersLater(request)) {
        const asked = { key: idempotencyKeyOf(request), call: 'upload-and-task', creates: 'task' } as const
        const { value: task, replayed } = await usecases.withIdempotency(who, asked, async (repeatable) => {
          const { image, recipe } = await read()
          const wanted = output === undefined ? recipe : order(recipe).recipe
          return later(usecases, who, image, wanted, lane ?? defaultLane, repeatable)
        })
        recordPosition(request, usecases, who.account)
        const answer = createdResponse(202, `/api/v1/tasks/${task.id}`, viewTask(task), replayed)
        answer.headers.set('preference-applied', 'respond-async')
        return answer
      }

      const { image, recipe } = await read()
      const received = performance.now()
      // Nothing moves on this connection while the picture is made; that has a limit of its own.
      server?.timeout(request, 0)
      await using picture = await processed(usecases, who, image, () => order(recipe), request.signal)
      if (picture.task) recordPosition(request, usecases, who.account)
      const timing = { receive: received - begin, process: performance.now() - received }
      return await sendBytes({ request, server }, picture.bytes, () => picture.open(), {
        status: 200,
        headers: headersOf(request, picture, timing),
      })
    },
    { parse: 'none' },
  )
}

async function readPicture(
  needs: Pick<ProcessRouteOptions, 'usecases' | 'limits'>,
  who: Principal,
  request: Request,
  known: Recipe | undefined,
  alive: IdleTimeout,
): Promise<{ image: BufferedImage; recipe: Recipe }> {
  const mediaType = mediaTypeOf(request)
  if (mediaType === 'multipart/form-data') return readProcessForm(needs, who, request, known, alive)
  if (known === undefined) {
    throw new Fault('invalid_request', 'The query has no recipe.', {
      field: 'recipe',
      remedy: 'Say what to do with the image, for example ?recipe=resize:800/format:webp.',
    })
  }
  const upload = { body: readBody(request, alive), mediaType, bytes: contentLengthOf(request) }
  return { image: await needs.usecases.bufferImage(who, upload), recipe: known }
}

async function processed(
  usecases: Usecases,
  who: Principal,
  image: BufferedImage,
  order: () => ReturnType<typeof selectOutput>,
  gone: AbortSignal,
): Promise<ProcessResult> {
  try {
    return await usecases.processImage(who, image, order(), gone)
  } catch (thrown) {
    // Nobody hears this answer; the log should not take it for a failure of ours.
    if (gone.aborted)
      throw new Fault('cancelled', 'The client left before the picture was ready.', { cause: thrown })
    throw thrown
  } finally {
    await image.drop()
  }
}

/** The same as a task, for a caller who would rather not wait. */
async function later(
  { createTask }: Usecases,
  who: Principal,
  image: BufferedImage,
  recipe: Recipe,
  lane: Lane,
  repeatable: IdempotentCall<Task> | undefined,
) {
  try {
    return await image.storeForTask(
      ({ id }) => createTask(who, id, recipe, { id: repeatable?.task, lane }),
      storeImageOptions(repeatable, ...taskRequestParts(recipe, lane)),
    )
  } finally {
    await image.drop()
  }
}

function noTask(): Fault {
  return new Fault('invalid_request', '`lane` applies to queued tasks only.', {
    field: 'lane',
    remedy: 'Leave the lane out, or send "Prefer: respond-async" to have a task made.',
  })
}

/** RFC 7240. */
function prefersLater(request: Request): boolean {
  const preferences = request.headers.get('prefer')?.toLowerCase().split(',') ?? []
  return preferences.some((one) => one.split(';', 1)[0]?.trim() === 'respond-async')
}

function headersOf(
  request: Request,
  picture: ProcessResult,
  timing: Readonly<Record<string, number>>,
): Record<string, string> {
  const timings = Object.entries(timing).map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`)
  return {
    ...contentHeaders(request, picture),
    'cache-control': 'no-store',
    'server-timing': timings.join(', '),
    ...(picture.task
      ? { 'content-location': `/api/v1/tasks/${picture.task.id}/outputs/${picture.output}` }
      : {}),
  }
}
