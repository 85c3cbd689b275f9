import { defaultLane } from '@pixelflow/core/job'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { viewImage, viewTask } from '@pixelflow/core/views'
import * as calls from '../../calls/calls.gen.ts'
import type { CallRunner } from '../../calls/call-runner.ts'
import { storeImageOptions } from '../../idempotency/with-idempotency.ts'
import type { ImageLimits } from '../../ports.ts'
import { describeTaskRequest } from '../../tasks/accept-task.ts'
import type { Usecases } from '../../usecases.ts'
import { contentLengthOf, mediaTypeOf, readBody, type IdleTimeout } from '../shared/read-body.ts'
import type { FormHandler, RestCall, StreamHandlers } from './call-handler.ts'
import { readImageForm } from './read-image-form.ts'
import { createdResponse, sendResult } from './send-result.ts'
import { startIdleTimeout } from './start-idle-timeout.ts'

export interface UploadHandlerOptions {
  readonly usecases: Pick<Usecases, 'uploadImage' | 'stageImage' | 'acceptTask'>
  readonly runner: CallRunner
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
}

/** An image as the body of a request, or in a form. */
export function uploadHandlers(options: UploadHandlerOptions): Pick<StreamHandlers, 'uploadImage'> {
  const { usecases, runner, uploadIdleTimeoutMs } = options
  return {
    async uploadImage({ request, server, who, context }) {
      const idleTimeout = startIdleTimeout(server, request, uploadIdleTimeoutMs)
      const mediaType = mediaTypeOf(request)
      const { value, replayed } = await runner.create(
        calls.uploadImage,
        'image',
        who,
        context,
        async (keyed) => {
          const store = storeImageOptions(keyed)
          if (mediaType === 'multipart/form-data')
            return (await readForm(options, { request, who }, idleTimeout, [])).image.store(store)
          const body = readBody(request, idleTimeout)
          return usecases.uploadImage(who, { body, mediaType, bytes: contentLengthOf(request) }, store)
        },
      )
      return createdResponse(201, `/api/v1/images/${value.id}`, viewImage(value), replayed)
    },
  }
}

/** Creates a task from a form with the parts `file`, `recipe` and optionally `lane`. */
export function createTaskForm(options: UploadHandlerOptions): FormHandler {
  const { usecases, runner, uploadIdleTimeoutMs } = options
  return {
    parts: ['file', 'recipe'],
    async handle({ request, server, who, context }) {
      const idleTimeout = startIdleTimeout(server, request, uploadIdleTimeoutMs)
      const result = await runner.create(
        calls.createTask,
        'task',
        who,
        { ...context, keyKind: 'upload-and-task' },
        async (keyed) => {
          const form = await readForm(options, { request, who }, idleTimeout, ['recipe', 'lane'])
          const recipe = form.recipe as Recipe
          const lane = form.lane ?? defaultLane
          return form.image.storeForTask(
            (stored) => usecases.acceptTask(who, stored, recipe, { id: keyed?.task, lane }),
            storeImageOptions(keyed, ...describeTaskRequest(recipe, lane)),
          )
        },
      )
      return sendResult(calls.createTask, request, { ...result, value: viewTask(result.value) }) as Response
    },
  }
}

function readForm(
  { usecases, limits }: UploadHandlerOptions,
  { request, who }: Pick<RestCall, 'request' | 'who'>,
  idleTimeout: IdleTimeout,
  fields: readonly ('recipe' | 'lane')[],
) {
  const receive = (upload: Parameters<typeof usecases.stageImage>[1]) => usecases.stageImage(who, upload)
  return readImageForm({ receive, limits, fields }, request, idleTimeout)
}
