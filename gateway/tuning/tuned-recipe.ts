import { Fault, faultRow, type FaultReport } from '@pixelflow/core/fault'
import { outputNames, parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { unknownOutput } from '@pixelflow/core/recipe/unknown-output'
import { patchRecipe } from '@pixelflow/core/tune/patch-recipe'
import type { ApplyMessage, ChangeMessage, OpenMessage } from '@pixelflow/core/tune/client-message'
import type { PreviewRequest } from '@pixelflow/core/tune/preview-request'

/** The current recipe of a session, after all accepted changes. */
export interface TunedRecipe {
  readonly request: PreviewRequest
  /** Applies a change. @throws Fault for an invalid change, which changes nothing. */
  change(change: ChangeMessage): PreviewRequest
  /** Records that the recipe of a change fails on this image. It remains the current recipe but cannot be applied. */
  refuse(sequence: number, fault: FaultReport): void
  /**
   * The recipe to create a task from.
   * @throws Fault `precondition_failed` when a different change is current, or the recipe fails on this image.
   */
  requireApplicable(apply: ApplyMessage): Recipe
}

/** @throws Fault `invalid_recipe`. */
export function createTunedRecipe({ recipe: given, output }: OpenMessage): TunedRecipe {
  const recipe = parseRecipe(given)
  let request: PreviewRequest = { sequence: 0, recipe, output: outputOf(recipe, output) }
  let latest = 0
  let refused: FaultReport | undefined
  return {
    get request() {
      return request
    },
    change({ sequence, recipe: given, set, output }) {
      if (sequence <= latest) throw sequenceTooLow(sequence, latest)
      latest = sequence
      const recipe =
        given === undefined
          ? set === undefined
            ? request.recipe
            : patchRecipe(request.recipe, set)
          : parseRecipe(given)
      // An output that the new recipe no longer has falls back to the first one.
      const kept = outputNames(recipe).includes(request.output) ? request.output : undefined
      request = { sequence, recipe, output: outputOf(recipe, output ?? kept) }
      refused = undefined
      return request
    },
    refuse(sequence, fault) {
      if (sequence === request.sequence && isRecipeFault(fault)) refused = fault
    },
    requireApplicable({ sequence }) {
      const isMeant = sequence === undefined || sequence === request.sequence
      if (isMeant && refused !== undefined) throw cannotApply(refused)
      if (isMeant) return request.recipe
      throw new Fault(
        'precondition_failed',
        `The current recipe is that of change ${request.sequence}, not of change ${sequence}.`,
        { field: 'sequence', remedy: 'Send `apply` with the sequence of the last change.' },
      )
    },
  }
}

/** The image itself was accepted when the session opened, so too many pixels are those of the result. */
function isRecipeFault({ code }: FaultReport): boolean {
  return faultRow(code).isRecipeFault === true || code === 'too_many_pixels'
}

/** The client has the reason from the refusal of the change. The field and the remedy repeat where it fails. */
function cannotApply(report: FaultReport): Fault {
  const { hints } = Fault.from(report)
  return new Fault('precondition_failed', 'The current recipe cannot be applied to this image.', hints)
}

function outputOf(recipe: Recipe, requested: string | undefined): string {
  const names = outputNames(recipe)
  const found = requested === undefined ? names[0] : names.find((name) => name === requested)
  if (found !== undefined) return found
  throw unknownOutput(recipe, requested ?? '', 'invalid_recipe')
}

function sequenceTooLow(sequence: number, latest: number): Fault {
  return new Fault('invalid_request', `sequence must be greater than ${latest}, got ${sequence}.`, {
    field: 'sequence',
    remedy: 'Send each change with a greater sequence than the one before.',
  })
}
