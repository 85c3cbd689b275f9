import { Fault } from '@pixelflow/core/fault'
import type { ImageRecord } from '@pixelflow/core/image'
import { defaultLane, lanes, type Lane } from '@pixelflow/core/job'
import type { Principal } from '@pixelflow/core/principal'
import { parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import { shorten } from '@pixelflow/core/shorten'
import { taskRequestParts } from '../../tasks/create-task.ts'
import { storeImageOptions, type IdempotentCall } from '../../idempotency/with-idempotency.ts'
import type { ImageLimits } from '../../ports.ts'
import { imageTooLarge } from '../../images/receive-image.ts'
import type { StoreImageOptions } from '../../images/store-image.ts'
import type { StagedImage } from '../../images/upload-image.ts'
import type { Usecases } from '../../usecases.ts'
import { contentLengthOf, parseJson } from '../shared/read-body.ts'
import type { IdleTimeout } from '../shared/idle-timeout.ts'
import { readFormParts, type FormPart } from './multipart/read-form-parts.ts'

/** Room for the form around a file, when its length is judged before it is read. */
export const largestWrapping = 2 * 1024 * 1024

export interface FormOptions {
  readonly usecases: Pick<Usecases, 'stageImage' | 'createTask'>
  readonly limits: ImageLimits
}

/** An image from a form with a part `file`. */
export async function readImageForm(
  needs: FormOptions,
  who: Principal,
  request: Request,
  alive: IdleTimeout,
  options?: StoreImageOptions<ImageRecord>,
): Promise<ImageRecord> {
  const { image } = await readForm(needs, who, request, alive, false)
  return image.store(options)
}

/** A task from a form with the parts `file` and `recipe`, and maybe `lane`, in any order. */
export async function readTaskForm(
  needs: FormOptions,
  who: Principal,
  request: Request,
  alive: IdleTimeout,
  repeatable?: IdempotentCall<Task>,
): Promise<Task> {
  const { image, recipe, lane } = await readForm(needs, who, request, alive, true)
  return image.storeForTask(
    ({ id }) => needs.usecases.createTask(who, id, recipe as Recipe, { id: repeatable?.task, lane }),
    storeImageOptions(repeatable, ...taskRequestParts(recipe as Recipe, lane)),
  )
}

/** The image is in the store but not kept yet: it is dropped when anything else turns out to be wrong with the form. */
async function readForm(
  { usecases, limits }: FormOptions,
  who: Principal,
  request: Request,
  alive: IdleTimeout,
  isForTask: boolean,
) {
  if ((contentLengthOf(request) ?? 0) > limits.maxUploadBytes + largestWrapping) throw imageTooLarge(limits)
  let image: StagedImage | undefined
  let recipe: Recipe | undefined
  let lane: Lane | undefined
  try {
    for await (const part of readFormParts(request, alive)) {
      if (part.kind === 'file' && part.name === 'file') {
        if (image) throw twice('file')
        image = await usecases.stageImage(who, { body: part.body, mediaType: part.mediaType, bytes: null })
      } else if (part.kind === 'field' && part.name === 'recipe' && isForTask) {
        if (recipe) throw twice('recipe')
        recipe = parseRecipe(parseRecipeField(part.value))
      } else if (part.kind === 'field' && part.name === 'lane' && isForTask) {
        if (lane) throw twice('lane')
        lane = laneOf(part.value)
      } else throw unexpected(part, isForTask ? ['file', 'recipe', 'lane'] : ['file'])
    }
    if (!image) throw missing('file', 'the image')
    if (isForTask && !recipe)
      throw missing('recipe', 'what to do with the image, for example resize:800/format:webp')
    return { image, recipe, lane: lane ?? defaultLane }
  } catch (thrown) {
    await image?.drop()
    throw thrown
  }
}

/** A recipe as it was written. JSON begins with a brace, the text form never does. */
export function parseRecipeField(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text.trim()
  try {
    return parseJson(text, 'invalid_recipe')
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('invalid_recipe', `The recipe is not valid JSON: ${(cause as Error).message}.`, {
      field: 'recipe',
      remedy: 'Correct it, or use the text form, for example resize:800/format:webp.',
      cause,
    })
  }
}

/** @throws Fault `invalid_request`. */
function laneOf(text: string): Lane {
  const lane = lanes.find((one) => one === text.trim())
  if (lane) return lane
  throw new Fault('invalid_request', `lane must be ${lanes.join(' or ')}, got "${shorten(text)}".`, {
    field: 'lane',
    remedy: 'Send one of these, or leave the part out.',
  })
}

export function twice(name: string): Fault {
  return new Fault('invalid_request', `The form has more than one part "${name}".`, {
    field: name,
    remedy: 'Send it once.',
  })
}

export function missing(name: string, meaning: string): Fault {
  return new Fault('invalid_request', `The form has no part "${name}".`, {
    field: name,
    remedy: `Add a part "${name}" with ${meaning}.`,
  })
}

export function unexpected(part: FormPart, known: readonly string[]): Fault {
  const name = shorten(part.name)
  const file = part.kind === 'file' && part.fileName ? ` (file "${shorten(part.fileName)}")` : ''
  return new Fault('invalid_request', `The form has an unknown part "${name}"${file}.`, {
    field: name,
    remedy: `Send only ${known.map((one) => `"${one}"`).join(', ')}.`,
  })
}
