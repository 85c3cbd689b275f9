import { pictureAfterStep, type Picture, type Slot, type StepOf } from './operation.ts'
import { resize } from '../operations/resize.ts'
import { groupPasses, type PlannedOutput, type PlannedStep } from './plan.ts'

/** How an output is rendered on a smaller copy of its source. */
export interface PreviewPlan {
  /** The steps for the copy. Their result has the proportions of the real result. */
  readonly output: PlannedOutput
  /** The result of the recipe on the source itself. */
  readonly result: Picture
  /** The result of the steps on the copy. */
  readonly picture: Picture
}

/** Longest side of a preview in pixels: more than a screen shows, and encoders have limits near it. */
const longestSide = 8192

/**
 * The size of a copy with at most `maxPixels` pixels. It is never larger than the picture, and a picture that fits is
 * not scaled. A drawing has no pixels of its own, so its copy is as large as `maxPixels` allows.
 */
export function copySize(
  { width, height, isVector = false }: Pick<Picture, 'width' | 'height' | 'isVector'>,
  maxPixels: number,
): { width: number; height: number } {
  const maxScale = isVector ? Number.POSITIVE_INFINITY : 1
  const scale = Math.min(
    maxScale,
    Math.sqrt(maxPixels / (width * height)),
    longestSide / Math.max(width, height),
  )
  // Rounded down: rounding both sides up could exceed the limit by a row of pixels.
  const side = (length: number) => Math.max(1, scale === 1 ? length : Math.floor(length * scale))
  return { width: side(width), height: side(height) }
}

/**
 * Plans the steps for a copy so that it looks like the result: lengths in pixels are scaled by the size of the copy at
 * that step relative to the full size. The copy never exceeds `maxPixels` for longer than one step.
 * @param source the picture that the output is made of; its steps must be valid for it (see `planRenderings`)
 * @param copy the same picture with fewer pixels
 */
export function planPreview(
  output: PlannedOutput,
  source: Picture,
  copy: Picture,
  maxPixels: number,
): PreviewPlan {
  const steps: PlannedStep[] = []
  let [result, picture] = [source, copy]
  const add = (planned: PlannedStep) => {
    steps.push(planned)
    picture = pictureAfterStep(planned, picture)
  }
  const [first] = output.passes.flat()
  if (source.isVector === true && first?.operation.rasterSize === undefined && copy.width > source.width) {
    add({ operation: resize, step: resizeTo(source), field: '' })
  }
  for (const planned of output.passes.flat()) {
    const { operation, step } = planned
    const before = result
    result = pictureAfterStep(planned, before)
    const isWhole = hasSameSize(picture, before) && fits(result, maxPixels)
    const scaled =
      isWhole || operation.scaleForPreview === undefined
        ? [step]
        : operation.scaleForPreview(step, { before, copy: picture, maxPixels })
    for (const one of scaled) add({ ...planned, step: { ...step, ...one } })
    // Rotation and padding add pixels, and a crop may come from a copy with more detail.
    if (!fits(picture, maxPixels)) {
      add({ ...planned, operation: resize, step: resizeTo(copySize(picture, maxPixels)) })
    }
  }
  return { output: { ...output, passes: groupPasses(steps) }, result, picture }
}

/**
 * Whether a copy with more pixels would make a better preview: a crop keeps so little of the copy that the preview has
 * less than half of the pixels that it could have. False when a slow step comes before the crop, because that step would
 * process the larger copy.
 */
export function needsMoreDetail(
  output: PlannedOutput,
  source: Picture,
  copy: Picture,
  maxPixels: number,
): boolean {
  const slots = output.passes.flat().map(({ operation, step }) => operation.slot(step))
  const crop = slots.indexOf('crop')
  if (crop === -1 || hasSameSize(source, copy)) return false
  if (slots.slice(0, crop).some((slot) => slot === null || !fastSlots.has(slot))) return false
  const { result, picture } = planPreview(output, source, copy, maxPixels)
  const wanted = copySize(result, maxPixels)
  return picture.width * picture.height * 2 < wanted.width * wanted.height
}

const fastSlots: ReadonlySet<Slot> = new Set(['flip', 'flop', 'turn', 'grayscale'])

/** A resize step to exactly this size. */
export function resizeTo({ width, height }: Pick<Picture, 'width' | 'height'>): StepOf<typeof resize> {
  return resize.schema.parse({ op: 'resize', width, height, fit: 'fill' })
}

function hasSameSize(one: Picture, other: Picture): boolean {
  return one.width === other.width && one.height === other.height
}

function fits(picture: Picture, maxPixels: number): boolean {
  const { width, height } = copySize(picture, maxPixels)
  return width === picture.width && height === picture.height
}
