import { Fault } from '@pixelflow/core/fault'
import type { WritableFormatId } from '@pixelflow/core/format'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { plan } from '@pixelflow/core/recipe/plan'
import { outputNames, type Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import { shorten } from '@pixelflow/core/shorten'
import type { StoredContent } from '../images/content.ts'
import { findImage } from '../images/find-image.ts'
import type { BufferedImage } from './buffer-image.ts'
import type { Ports } from '../ports.ts'
import { processLive } from './process-live.ts'
import { processStored } from './process-stored.ts'

/** What is to be made at once: one picture. */
export interface OutputRequest {
  /** Makes nothing but the output that is wanted. */
  readonly recipe: Recipe
  readonly output: string
}

/** A finished picture. Its bytes can be opened once, until it is disposed of. */
export interface ProcessResult extends StoredContent, AsyncDisposable {
  readonly format: WritableFormatId
  readonly width: number
  readonly height: number
  /** Its name in the recipe. */
  readonly output: string
  /** The task that has made it, where the picture went by way of the store. */
  readonly task?: Task
}

/**
 * The order for one output of a recipe.
 * @throws Fault `invalid_request` when there are several and none is chosen, or no such one.
 */
export function selectOutput(recipe: Recipe, output?: string): OutputRequest {
  const names = outputNames(recipe)
  const [only] = names
  if (output === undefined && names.length > 1) {
    throw new Fault(
      'invalid_request',
      `The recipe makes ${names.length} outputs, and here only one can be answered.`,
      {
        field: 'output',
        remedy: `Choose one of ${names.join(', ')} by output, or create a task, which makes all of them.`,
      },
    )
  }
  const name = output ?? only ?? 'default'
  if (!names.includes(name)) {
    throw new Fault('invalid_request', `The recipe makes no output "${shorten(name)}".`, {
      field: 'output',
      remedy: `It makes: ${names.join(', ')}.`,
    })
  }
  const chosen = recipe.outputs?.[name]
  if (recipe.outputs === undefined || chosen === undefined || names.length === 1)
    return { recipe, output: name }
  return { recipe: { ...recipe, outputs: { [name]: chosen } }, output: name }
}

/**
 * Has a picture processed while its caller waits: by an actor that has room, without storing anything; or, where the
 * picture is too large for that, as a task. When the signal aborts, the work ends.
 * @throws Fault what a task would fail with; `unavailable` when no actor has room, `actor_lost` when two have died at it,
 * `deadline_exceeded`, or the signal's reason.
 */
export function processImage(ports: Ports) {
  const { images, inline } = ports
  const live = processLive(ports)
  const stored = processStored(ports)
  return async (
    who: Principal,
    image: BufferedImage,
    order: OutputRequest,
    gone: AbortSignal,
  ): Promise<ProcessResult> => {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(tooLate(inline.timeoutMs)), inline.timeoutMs)
    const signal = AbortSignal.any([gone, late.signal])
    try {
      requireScope(who, 'tasks:write')
      const others = plan(order.recipe).images
      await Promise.all(others.map((one) => findImage(images, who, one, 'recipe')))
      const { format, width, height, parts } = image
      if (parts === undefined) return await stored(who, image, order, signal)
      return await live(who, { format, width, height, parts }, order, signal)
    } finally {
      clearTimeout(timer)
      await image.drop()
    }
  }
}

function tooLate(limitMs: number): Fault {
  return new Fault('deadline_exceeded', `The picture was not ready within ${limitMs / 1000} s.`, {
    remedy: 'Create a task for work that takes long, and fetch its output when it is finished.',
  })
}
