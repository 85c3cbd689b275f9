import { Fault, faultRow, type FaultReport } from '@pixelflow/core/fault'
import { outputNames, parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { patchRecipe } from '@pixelflow/core/tune/patch-recipe'
import type { ApplyMessage, ChangeMessage, OpenMessage } from '@pixelflow/core/tune/client-message'
import type { PreviewRequest } from '@pixelflow/core/tune/preview-request'

/** The truth about one session: which recipe it has come to. */
export interface TunedRecipe {
  readonly order: PreviewRequest
  /** Takes a change over. @throws Fault when it cannot be; nothing has changed then. */
  change(change: ChangeMessage): PreviewRequest
  /** A change that cannot be done to this picture: it stays, and is not applied. */
  refuse(sequence: number, fault: FaultReport): void
  /**
   * The recipe that is to be applied.
   * @throws Fault `precondition_failed` when it is not that of the change meant, or cannot be done.
   */
  applied(apply: ApplyMessage): Recipe
}

/** @throws Fault `invalid_recipe`. */
export function createTunedRecipe({ recipe: given, output }: OpenMessage): TunedRecipe {
  const recipe = parseRecipe(given)
  let order: PreviewRequest = { sequence: 0, recipe, output: outputOf(recipe, output) }
  let latest = 0
  let refused: FaultReport | undefined
  return {
    get order() {
      return order
    },
    change({ sequence, recipe: given, set, output }) {
      if (sequence <= latest) throw notUpwards(sequence, latest)
      latest = sequence
      const recipe =
        given === undefined
          ? set === undefined
            ? order.recipe
            : patchRecipe(order.recipe, set)
          : parseRecipe(given)
      // An output that a new recipe does not make any more is not insisted on.
      const kept = outputNames(recipe).includes(order.output) ? order.output : undefined
      order = { sequence, recipe, output: outputOf(recipe, output ?? kept) }
      refused = undefined
      return order
    },
    refuse(sequence, fault) {
      if (sequence === order.sequence && isRecipeFault(fault)) refused = fault
    },
    applied({ sequence }) {
      const isMeant = sequence === undefined || sequence === order.sequence
      if (isMeant && refused === undefined) return order.recipe
      if (isMeant && refused !== undefined) throw cannotBeDone(refused)
      throw new Fault(
        'precondition_failed',
        `The recipe is that of change ${order.sequence}, not of change ${sequence}.`,
        { field: 'sequence', remedy: 'Apply again, or change the recipe first.' },
      )
    },
  }
}

/** The image itself was accepted when the session opened, so too many pixels are those of the result. */
function isRecipeFault({ code }: FaultReport): boolean {
  return faultRow(code).isRecipeFault === true || code === 'too_many_pixels'
}

function cannotBeDone(report: FaultReport): Fault {
  const { message, hints } = Fault.from(report)
  return new Fault('precondition_failed', `The recipe cannot be done to this picture: ${message}`, hints)
}

function outputOf(recipe: Recipe, wanted: string | undefined): string {
  const names = outputNames(recipe)
  const found = wanted === undefined ? names[0] : names.find((name) => name === wanted)
  if (found !== undefined) return found
  throw new Fault('invalid_recipe', `The recipe makes no output "${wanted}".`, {
    field: 'output',
    remedy: `It makes: ${names.join(', ')}.`,
  })
}

function notUpwards(sequence: number, latest: number): Fault {
  return new Fault('invalid_request', `sequence must be greater than ${latest}, got ${sequence}.`, {
    field: 'sequence',
    remedy: 'Give each change a greater number than the one before.',
  })
}
