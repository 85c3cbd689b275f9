import * as fc from 'fast-check'
import { Fault } from '../../fault.ts'
import { catalogue, type Step } from '../../operations/index.ts'
import { maxSide } from '../../operations/parameters/max-side.ts'
import type { JsonSchema } from '../../validation/json-schema.ts'
import { pictureAfterStep, type Picture, type PictureOperation } from '../operation.ts'
import { arbitraryStep, arbitraryValue, type StepInput } from './arbitrary-step.ts'

/**
 * Random steps that can be rendered on small pictures. They are generated from the schemas of the operations, and the
 * planner decides which lengths are possible, so a new operation is covered without a line in a test.
 */

/** A length in pixels, as a fraction of the longer side of the picture that the step receives. */
interface RelativeLength {
  readonly share: number
}

/** The smallest and largest length, as fractions of a side. An offset, which can be 0, has no smallest one. */
export type Shares = readonly [smallest: number, largest: number]

const operations = new Map(
  catalogue.operations
    .filter((one): one is typeof one & { place: 'any' } => one.place === 'any')
    .map((one) => [one.schema.shape.op.value as string, one as unknown as PictureOperation]),
)

/** The names of the operations that change pixels. */
export const pictureOperationNames: readonly string[] = [...operations.keys()]

/** Random lists of 1 to `maxLength` steps that change pixels, with at least one of the named operation. */
export function arbitraryRelativeSteps(
  name: string,
  { shares, maxLength }: { readonly shares: Shares; readonly maxLength: number },
): fc.Arbitrary<readonly StepInput[]> {
  const stepOf = (one: string) =>
    arbitraryStep(one, (schema) => renderableValue(schema, shares)).filter(
      (step) => stepInPixels(step, anyPicture) !== undefined,
    )
  const others = fc.array(fc.oneof(...pictureOperationNames.map(stepOf)), { maxLength: maxLength - 1 })
  return fc
    .tuple(stepOf(name), others, fc.nat())
    .map(([step, all, at]) => all.toSpliced(at % (all.length + 1), 0, step))
}

const anyPicture: Picture = { width: 400, height: 300, alpha: false }

/** The steps for a picture, with their lengths in pixels; without steps that are not possible for it. */
export function stepsInPixels(relativeSteps: readonly StepInput[], start: Picture): Step[] {
  let picture = start
  return relativeSteps.flatMap((relativeStep) => {
    const found = stepInPixels(relativeStep, picture)
    if (found === undefined) return []
    picture = found.after
    return [found.step]
  })
}

/**
 * The parsed step and the picture after it. As long as the planner refuses the step, for example a crop that ends
 * outside of the picture, all its lengths are halved. Undefined if it is refused with any length.
 */
function stepInPixels(
  relativeStep: StepInput,
  picture: Picture,
): { readonly step: Step; readonly after: Picture } | undefined {
  const operation = operations.get(relativeStep.op)
  if (operation === undefined) throw new Error(`${relativeStep.op} does not change pixels`)
  const parameters = catalogue.parameters(relativeStep.op)
  for (const scale of [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16]) {
    const side = Math.max(picture.width, picture.height) * scale
    const values = Object.entries(relativeStep).map(([name, value]) => [
      name,
      isRelative(value) ? Math.max(parameters[name]?.minimum ?? 0, Math.round(value.share * side)) : value,
    ])
    const step = operation.schema.safeParse(Object.fromEntries(values)).data
    const after = step && pictureAfter(operation, step, picture)
    if (after) return { step: step as Step, after }
  }
  return undefined
}

function pictureAfter(
  operation: PictureOperation,
  step: Parameters<PictureOperation['after']>[0],
  picture: Picture,
): Picture | undefined {
  try {
    return pictureAfterStep({ operation, step }, picture)
  } catch (thrown) {
    if (thrown instanceof Fault) return undefined
    throw thrown
  }
}

function isRelative(value: unknown): value is RelativeLength {
  return typeof value === 'object' && value !== null && 'share' in value
}

/**
 * Values of a parameter, of which those with a different effect are frequent: of a number, those near its default, and
 * the eighths of its range, among which are 0, the limits and the quarter turns of an angle.
 */
function renderableValue(schema: JsonSchema, [smallest, largest]: Shares): fc.Arbitrary<unknown> {
  const { minimum: min, maximum: max } = schema
  if (schema.format === 'color') return fc.constantFrom('#00000000', '#ffffff', '#ff8800', '#2244cc80')
  if (min === undefined || max === undefined) return arbitraryValue(schema)
  if (max === maxSide) return fc.record({ share: evenly(min === 0 ? 0 : smallest, largest) })
  const isInteger = schema.type === 'integer'
  const values = (from: number, to: number, parts?: number) =>
    isInteger ? evenly(from, to, parts).map(Math.round) : evenly(from, to, parts)
  const eighths = values(min, max, 8)
  if (typeof schema.default !== 'number') return fc.oneof(values(min, max), eighths)
  const radius = Math.max(3 * Math.abs(schema.default), (max - min) / 16)
  const near = values(Math.max(min, schema.default - radius), Math.min(max, schema.default + radius))
  return fc.oneof({ weight: 3, arbitrary: near }, values(min, max), eighths)
}

/** Numbers of a range, in equal steps. `fc.double` would mostly give numbers that are almost zero. */
function evenly(min: number, max: number, parts = 1000): fc.Arbitrary<number> {
  return fc.nat(parts).map((i) => Number((min + (i / parts) * (max - min)).toPrecision(6)))
}
