import { viewTask } from '@pixelflow/core/views'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import { defaultLane, type Lane } from '@pixelflow/core/job'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import * as calls from '../../calls/calls.gen.ts'
import type { CallRunner } from '../../calls/call-runner.ts'
import { describeTaskRequest } from '../../tasks/accept-task.ts'
import type { ImageUpload } from '../../images/receive-image.ts'
import type { BufferedImage } from '../../process/buffer-image.ts'
import { storeImageOptions, type IdempotentCall } from '../../idempotency/with-idempotency.ts'
import type { ImageLimits } from '../../ports.ts'
import { selectOutput, type ProcessedOutput } from '../../process/process-image.ts'
import type { Usecases } from '../../usecases.ts'
import { readBody, contentLengthOf, mediaTypeOf, type IdleTimeout } from '../shared/read-body.ts'
import { startIdleTimeout } from './start-idle-timeout.ts'
import { requestContextOf } from '../shared/request-context.ts'
import type { StreamHandlers } from './call-handler.ts'
import { sendResult } from './send-result.ts'
import { contentHeaders, type SendBytes } from './send-content.ts'
import { parseRecipeField } from './parse-recipe-field.ts'
import { readImageForm } from './read-image-form.ts'

export interface ProcessHandlerOptions {
  readonly usecases: Pick<Usecases, 'bufferImage' | 'processImage' | 'acceptTask'>
  readonly runner: CallRunner
  readonly sendBytes: SendBytes
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
}

/** The request is an image, the response is the processed image. */
export function processHandler(options: ProcessHandlerOptions): Pick<StreamHandlers, 'processImage'> {
  const { usecases, runner, sendBytes, uploadIdleTimeoutMs } = options
  return {
    async processImage({ request, server, who, input: { recipe: recipeText, output, lane }, context }) {
      if (lane !== undefined && !prefersAsync(request)) throw laneWithoutTask()
      const queryRecipe = recipeText === undefined ? undefined : parseRecipe(parseRecipeField(recipeText))
      const select = (recipe: Recipe) => selectOutput(recipe, output)
      // An invalid selection fails before the image is uploaded.
      if (queryRecipe && !prefersAsync(request)) select(queryRecipe)

      const begin = performance.now()
      const idleTimeout = startIdleTimeout(server, request, uploadIdleTimeoutMs)
      const read = () => readInput(options, who, request, queryRecipe, idleTimeout)
      if (prefersAsync(request)) {
        const result = await runner.create(calls.processImage, 'task', who, context, async (keyed) => {
          const { image, recipe } = await read()
          const wanted = output === undefined ? recipe : select(recipe).recipe
          return createTaskFrom(usecases, who, image, wanted, lane ?? defaultLane, keyed)
        })
        const created = { ...result, value: viewTask(result.value) }
        const response = sendResult(calls.createTask, request, created) as Response
        response.headers.set('preference-applied', 'respond-async')
        return response
      }

      const { image, recipe } = await read()
      const received = performance.now()
      // The connection is idle while the image is processed; processing has its own timeout.
      server?.timeout(request, 0)
      await using result = await processOrCancel(usecases, who, image, () => select(recipe), request.signal)
      requestContextOf(request).position = result.position
      const timing = { receive: received - begin, process: performance.now() - received }
      return await sendBytes({ request, server }, result.bytes, () => result.open(), {
        status: 200,
        headers: headersOf(request, result, timing),
      })
    },
  }
}

async function readInput(
  options: Pick<ProcessHandlerOptions, 'usecases' | 'limits'>,
  principal: Principal,
  request: Request,
  queryRecipe: Recipe | undefined,
  idleTimeout: IdleTimeout,
): Promise<{ image: BufferedImage; recipe: Recipe }> {
  const mediaType = mediaTypeOf(request)
  if (mediaType === 'multipart/form-data') {
    const receive = (upload: ImageUpload) => options.usecases.bufferImage(principal, upload)
    const { image, recipe } = await readImageForm(
      { receive, limits: options.limits, fields: ['recipe'], queryRecipe },
      request,
      idleTimeout,
    )
    return { image, recipe: recipe as Recipe }
  }
  if (queryRecipe === undefined) {
    throw new Fault('invalid_request', 'The query has no recipe.', {
      field: 'recipe',
      remedy: 'Add the query parameter recipe, for example ?recipe=resize:800/format:webp.',
    })
  }
  const upload = { body: readBody(request, idleTimeout), mediaType, bytes: contentLengthOf(request) }
  return { image: await options.usecases.bufferImage(principal, upload), recipe: queryRecipe }
}

async function processOrCancel(
  usecases: Pick<Usecases, 'processImage'>,
  principal: Principal,
  image: BufferedImage,
  selection: () => ReturnType<typeof selectOutput>,
  disconnected: AbortSignal,
): Promise<ProcessedOutput> {
  try {
    return await usecases.processImage(principal, image, selection(), disconnected)
  } catch (thrown) {
    // The client does not receive this fault; it keeps the log from reporting a server error.
    if (disconnected.aborted)
      throw new Fault('cancelled', 'The client disconnected before the image was processed.', {
        cause: thrown,
      })
    throw thrown
  } finally {
    await image.drop()
  }
}

/** Stores the image and creates a task, for `Prefer: respond-async`. */
async function createTaskFrom(
  { acceptTask }: Pick<Usecases, 'acceptTask'>,
  principal: Principal,
  image: BufferedImage,
  recipe: Recipe,
  lane: Lane,
  idempotentCall: IdempotentCall<Task> | undefined,
) {
  try {
    return await image.storeForTask(
      (stored) => acceptTask(principal, stored, recipe, { id: idempotentCall?.task, lane }),
      storeImageOptions(idempotentCall, ...describeTaskRequest(recipe, lane)),
    )
  } finally {
    await image.drop()
  }
}

function laneWithoutTask(): Fault {
  return new Fault('invalid_request', '`lane` applies to queued tasks only.', {
    field: 'lane',
    remedy: 'Leave `lane` out, or send "Prefer: respond-async" to create a task.',
  })
}

/** RFC 7240. */
function prefersAsync(request: Request): boolean {
  const preferences = request.headers.get('prefer')?.toLowerCase().split(',') ?? []
  return preferences.some((one) => one.split(';', 1)[0]?.trim() === 'respond-async')
}

function headersOf(
  request: Request,
  result: ProcessedOutput,
  timing: Readonly<Record<string, number>>,
): Record<string, string> {
  const timings = Object.entries(timing).map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`)
  return {
    ...contentHeaders(request, result),
    'cache-control': 'no-store',
    'server-timing': timings.join(', '),
    ...(result.task
      ? { 'content-location': `/api/v1/tasks/${result.task.id}/outputs/${result.output}` }
      : {}),
  }
}
