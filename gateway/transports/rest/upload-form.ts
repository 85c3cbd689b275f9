import type { ImageRecord } from '@pixelflow/core/image'
import { defaultLane, type Lane } from '@pixelflow/core/job'
import type { Principal } from '@pixelflow/core/principal'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import { describeTaskRequest } from '../../tasks/create-task.ts'
import { storeImageOptions, type IdempotentCall } from '../../idempotency/with-idempotency.ts'
import type { ImageLimits } from '../../ports.ts'
import { imageTooLarge } from '../../images/receive-image.ts'
import type { StoreImageOptions } from '../../images/store-image.ts'
import type { StagedImage } from '../../images/upload-image.ts'
import type { Usecases } from '../../usecases.ts'
import { contentLengthOf } from '../shared/read-body.ts'
import type { IdleTimeout } from './idle-timeout.ts'
import {
  duplicatePart,
  maxFormOverheadBytes,
  missingPart,
  parseLaneField,
  parseRecipeField,
  unknownPart,
} from './parse-recipe-field.ts'
import { readFormParts } from './multipart/read-form-parts.ts'

export interface UploadFormOptions {
  readonly usecases: Pick<Usecases, 'stageImage' | 'createTask'>
  readonly limits: ImageLimits
}

/** Stores the image of a form with the part `file`. */
export async function readImageForm(
  uploadOptions: UploadFormOptions,
  principal: Principal,
  request: Request,
  idleTimeout: IdleTimeout,
  options?: StoreImageOptions<ImageRecord>,
): Promise<ImageRecord> {
  const { image } = await readForm(uploadOptions, principal, request, idleTimeout, false)
  return image.store(options)
}

/** Creates a task from a form with the parts `file`, `recipe` and optionally `lane`, in any order. */
export async function readTaskForm(
  uploadOptions: UploadFormOptions,
  principal: Principal,
  request: Request,
  idleTimeout: IdleTimeout,
  idempotentCall?: IdempotentCall<Task>,
): Promise<Task> {
  const { image, recipe, lane } = await readForm(uploadOptions, principal, request, idleTimeout, true)
  return image.storeForTask(
    ({ id }) =>
      uploadOptions.usecases.createTask(principal, id, recipe as Recipe, { id: idempotentCall?.task, lane }),
    storeImageOptions(idempotentCall, ...describeTaskRequest(recipe as Recipe, lane)),
  )
}

/** Reads the form and stages the image: it is deleted if a later part of the form is invalid. */
async function readForm(
  { usecases, limits }: UploadFormOptions,
  principal: Principal,
  request: Request,
  idleTimeout: IdleTimeout,
  isForTask: boolean,
) {
  if ((contentLengthOf(request) ?? 0) > limits.maxUploadBytes + maxFormOverheadBytes)
    throw imageTooLarge(limits)
  let image: StagedImage | undefined
  let recipe: Recipe | undefined
  let lane: Lane | undefined
  try {
    for await (const part of readFormParts(request, idleTimeout)) {
      if (part.kind === 'file' && part.name === 'file') {
        if (image) throw duplicatePart('file')
        image = await usecases.stageImage(principal, {
          body: part.body,
          mediaType: part.mediaType,
          bytes: null,
        })
      } else if (part.kind === 'field' && part.name === 'recipe' && isForTask) {
        if (recipe) throw duplicatePart('recipe')
        recipe = parseRecipe(parseRecipeField(part.value))
      } else if (part.kind === 'field' && part.name === 'lane' && isForTask) {
        if (lane) throw duplicatePart('lane')
        lane = parseLaneField(part.value)
      } else throw unknownPart(part, isForTask ? ['file', 'recipe', 'lane'] : ['file'])
    }
    if (!image) throw missingPart('file', 'the image')
    if (isForTask && !recipe)
      throw missingPart('recipe', 'what to do with the image, for example resize:800/format:webp')
    return { image, recipe, lane: lane ?? defaultLane }
  } catch (thrown) {
    await image?.drop()
    throw thrown
  }
}
