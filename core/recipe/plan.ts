import { defaultFormat, format, type FormatParams } from '../operations/format.ts'
import { catalogue as shipped } from '../operations/index.ts'
import type { Operation, PictureOperation, StepOf } from './operation.ts'
import { orient } from '../operations/orient.ts'
import { imageReferenceFormat } from '../operations/parameters/image-reference.ts'
import { formatField } from '../validation/format-field.ts'
import { type Catalogue, type RecipeOf } from './create-catalogue.ts'
import { listBranches, type Branch, type LocatedStep } from './list-branches.ts'
import { canFuse } from './can-fuse.ts'
import { defaultOutputName } from './output-names.ts'

/** How to make the outputs of a recipe. */
export interface Plan {
  /** Ids of the other images that steps refer to, each once. The caller must own all of them. */
  readonly images: readonly string[]
  readonly outputs: readonly PlannedOutput[]
}

export interface PlannedOutput {
  readonly name: string
  readonly source: {
    /** Whether the picture is turned upright first. */
    readonly orient: boolean
  }
  /** One per sharp pipeline, in order; empty if no step changes pixels. */
  readonly passes: readonly Pass[]
  readonly format: FormatParams
  /** Path of the `format` step, e.g. `steps[2]`; undefined if the recipe has none. */
  readonly formatField?: string
}

/** Steps that one sharp pipeline can perform in this order. Never empty. */
export type Pass = readonly PlannedStep[]

export interface PlannedStep {
  readonly operation: PictureOperation
  /** The step, parsed by the operation's schema. */
  readonly step: StepOf<PictureOperation>
  /** Path of the step in the recipe, e.g. `outputs.thumb.steps[0]`. */
  readonly field: string
}

/** Plans a recipe with the fewest pipelines that keep the order of its steps. */
export function plan<Op extends Operation>(recipe: RecipeOf<StepOf<Op>>, catalogue: Catalogue<Op>): Plan
export function plan(recipe: RecipeOf<StepOf<(typeof shipped.operations)[number]>>): Plan
export function plan(recipe: RecipeOf<StepOf<Operation>>, catalogue: Catalogue = shipped): Plan {
  const branches = listBranches(recipe)
  const images = branches.flatMap(({ steps }) => steps.flatMap(({ step }) => imagesOf(step, catalogue)))
  return { images: [...new Set(images)], outputs: branches.map((branch) => planOutput(branch, catalogue)) }
}

function planOutput(
  { name, steps: located }: Branch<StepOf<Operation>>,
  catalogue: Catalogue,
): PlannedOutput {
  const steps: PlannedStep[] = []
  let oriented = true
  let target: { format: FormatParams; formatField?: string } = { format: defaultFormat }

  for (const one of located) {
    const operation = catalogue.get(one.step.op)
    if (operation === undefined) throw new Error(`a parsed recipe has the unknown operation ${one.step.op}`)
    switch (operation.place) {
      case 'first':
        oriented = orient.schema.parse(one.step).auto
        break
      case 'last': {
        const { op: _, ...params } = format.schema.parse(one.step)
        target = { format: params, formatField: formatField(one.path) }
        break
      }
      case 'any':
        steps.push(planStep(operation, one))
    }
  }
  const passes = groupPasses(steps)
  return { name: name ?? defaultOutputName, source: { orient: oriented }, passes, ...target }
}

function planStep(operation: PictureOperation, { step, path }: LocatedStep<StepOf<Operation>>): PlannedStep {
  return { operation, step, field: formatField(path) }
}

/** Groups steps into the fewest passes that keep their order. Omits steps that change nothing. */
export function groupPasses(steps: readonly PlannedStep[]): readonly Pass[] {
  const passes: PlannedStep[][] = []
  for (const step of steps) addTo(passes, step)
  return passes
}

function addTo(passes: PlannedStep[][], next: PlannedStep): void {
  if (slotOf(next) === null) return
  const current = passes.at(-1)
  if (current !== undefined && canFuse([...current, next].map(slotOf).filter((slot) => slot !== null))) {
    current.push(next)
  } else {
    passes.push([next])
  }
}

function slotOf({ operation, step }: PlannedStep) {
  return operation.slot(step)
}

function imagesOf(step: StepOf<Operation>, catalogue: Catalogue): string[] {
  return Object.entries(catalogue.parameters(step.op)).flatMap(([name, schema]) => {
    const value: unknown = schema.format === imageReferenceFormat ? step[name] : undefined
    return typeof value === 'string' ? [value] : []
  })
}
