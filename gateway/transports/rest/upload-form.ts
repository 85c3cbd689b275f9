import type { ImageRecord } from '@pixelflow/core/image'
import { defaultLane } from '@pixelflow/core/job'
import type { Principal } from '@pixelflow/core/principal'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import { storeImageOptions, type IdempotentCall } from '../../idempotency/with-idempotency.ts'
import type { StoreImageOptions } from '../../images/store-image.ts'
import type { ImageLimits } from '../../ports.ts'
import { describeTaskRequest } from '../../tasks/create-task.ts'
import type { Usecases } from '../../usecases.ts'
import type { IdleTimeout } from '../shared/read-body.ts'
import { readImageForm } from './read-image-form.ts'

export interface UploadFormOptions {
  readonly usecases: Pick<Usecases, 'stageImage' | 'createTask'>
  readonly limits: ImageLimits
}

/** Stores the image of a form with the part `file`. */
export async function storeImageFromForm(
  { usecases, limits }: UploadFormOptions,
  principal: Principal,
  request: Request,
  idleTimeout: IdleTimeout,
  options?: StoreImageOptions<ImageRecord>,
): Promise<ImageRecord> {
  const { image } = await readImageForm(
    { receive: (upload) => usecases.stageImage(principal, upload), limits, fields: [] },
    request,
    idleTimeout,
  )
  return image.store(options)
}

/** Creates a task from a form with the parts `file`, `recipe` and optionally `lane`. */
export async function createTaskFromForm(
  { usecases, limits }: UploadFormOptions,
  principal: Principal,
  request: Request,
  idleTimeout: IdleTimeout,
  idempotentCall?: IdempotentCall<Task>,
): Promise<Task> {
  const form = await readImageForm(
    { receive: (upload) => usecases.stageImage(principal, upload), limits, fields: ['recipe', 'lane'] },
    request,
    idleTimeout,
  )
  const recipe = form.recipe as Recipe
  const lane = form.lane ?? defaultLane
  return form.image.storeForTask(
    ({ id }) => usecases.createTask(principal, id, recipe, { id: idempotentCall?.task, lane }),
    storeImageOptions(idempotentCall, ...describeTaskRequest(recipe, lane)),
  )
}
