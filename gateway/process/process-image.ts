import { Fault, faultCodesWith } from '@pixelflow/core/fault'
import type { WritableFormatId } from '@pixelflow/core/format'
import type { Principal } from '@pixelflow/core/principal'
import { plan } from '@pixelflow/core/recipe/plan'
import { outputNames, type Recipe } from '@pixelflow/core/recipe/recipe'
import { unknownOutput } from '@pixelflow/core/recipe/unknown-output'
import { processImageInput } from '@pixelflow/core/inputs'
import type { Task } from '@pixelflow/core/task'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'
import type { StoredContent } from '../images/stored-content.ts'
import { findImage } from '../images/find-image.ts'
import type { BufferedImage } from './buffer-image.ts'
import type { Ports } from '../ports.ts'
import { processLive } from './process-live.ts'
import { processStored } from './process-stored.ts'

/** A recipe reduced to one output. */
export interface OutputRequest {
  /** Contains the requested output only. */
  readonly recipe: Recipe
  readonly output: string
}

/** A finished image. Its bytes can be opened once, before it is disposed. */
export interface ProcessedOutput extends StoredContent, AsyncDisposable {
  readonly format: WritableFormatId
  readonly width: number
  readonly height: number
  /** Name of the output in the recipe. */
  readonly output: string
  /** The task that created the image, when it was too large for memory. */
  readonly task?: Task
  /** The write position of the account after that task was created. */
  readonly position?: string | undefined
}

/**
 * Reduces a recipe to one output.
 * @throws Fault `invalid_request` when the recipe has several outputs and `output` is missing, `invalid_recipe` when it has
 * no such output.
 */
export function selectOutput(recipe: Recipe, output?: string): OutputRequest {
  const names = outputNames(recipe)
  const [only] = names
  if (output === undefined && names.length > 1) {
    throw new Fault('invalid_request', `The recipe has ${names.length} outputs, and this call returns one.`, {
      field: 'output',
      remedy: `Set output to one of ${names.join(', ')}, or create a task, which creates all outputs.`,
    })
  }
  const name = output ?? only ?? 'default'
  if (!names.includes(name)) throw unknownOutput(recipe, name, 'invalid_request')
  const chosen = recipe.outputs?.[name]
  if (recipe.outputs === undefined || chosen === undefined || names.length === 1)
    return { recipe, output: name }
  return { recipe: { ...recipe, outputs: { [name]: chosen } }, output: name }
}

export const processImage = declareStream({
  name: 'processImage',
  tag: 'tasks',
  summary: 'Process an image and return the result',
  description:
    'Returns the processed image. The image is the request body with the recipe in the query, or both are parts of a form. A small image is not stored. A larger one is processed as a task, which `Content-Location` names. If the client disconnects, processing is cancelled. With `Prefer: respond-async` the response is a task, as for `POST /api/v1/tasks` with a form; only then is an `Idempotency-Key` used.',
  http: { method: 'POST', path: '/api/v1/process' },
  rpc: ImageService.method.processImage,
  access: 'tasks:write',
  faults: [
    'invalid_recipe',
    ...faultCodesWith('isUploadFault'),
    ...faultCodesWith('isProcessingFault'),
    'actor_lost',
    'too_many_tasks',
    'queue_full',
    'storage_failed',
  ],
  creates: { resource: 'task', keyKind: 'upload-and-task' },
  writes: true,
  limits: 'image',
  input: processImageInput,
  open: processAndWait,
})

/**
 * Processes an image while the caller waits. A small image goes to an actor directly and is not stored; a large one is
 * processed as a task. When the signal aborts, the work is cancelled.
 * @throws the faults of a failed task; Fault `unavailable` when no actor has a free worker, `actor_lost` when two actors
 * were lost, `deadline_exceeded`; or the reason of the signal.
 */
function processAndWait(ports: Ports) {
  const { images, inline } = ports
  const live = processLive(ports)
  const stored = processStored(ports)
  return async (
    who: Principal,
    image: BufferedImage,
    request: OutputRequest,
    clientSignal: AbortSignal,
  ): Promise<ProcessedOutput> => {
    const timedOut = new AbortController()
    const timer = setTimeout(() => timedOut.abort(timeoutFault(inline.timeoutMs)), inline.timeoutMs)
    const signal = AbortSignal.any([clientSignal, timedOut.signal])
    try {
      const overlays = plan(request.recipe).images
      await Promise.all(overlays.map((one) => findImage(images, who, one, 'recipe')))
      const { format, width, height, content } = image
      if (content === undefined) return await stored(who, image, request, signal)
      return await live(who, { format, width, height, content }, request, signal)
    } finally {
      clearTimeout(timer)
      await image.drop()
    }
  }
}

function timeoutFault(limitMs: number): Fault {
  return new Fault('deadline_exceeded', `The image was not ready within ${limitMs / 1000} s.`, {
    remedy: 'Create a task for slow work, and fetch its output when it is finished.',
  })
}
