import { pictureAfter, type Picture, type Slot, type StepOf } from '../operations/operation.ts'
import { resize } from '../operations/resize.ts'
import { passesOf, type PlannedOutput, type PlannedStep } from './plan.ts'

/** An output as it is to be shown on a smaller copy of its source. */
export interface Preview {
  /** The steps for the copy; what the copy comes to has the proportions of the real result. */
  readonly output: PlannedOutput
  /** The result that is shown. */
  readonly result: Picture
  /** The copy after all steps. */
  readonly shown: Picture
}

/** Pixels a side of a preview may have at most; nobody sees more, and encoders have limits near it. */
const longestSide = 8192

/**
 * How large a copy of a picture is that has at most so many pixels; never larger than the picture, and without
 * needless loss: one that fits is taken as it is. A drawing is copied as large as may be, for it may be asked for larger.
 */
export function copySize(
  { width, height, isVector = false }: Pick<Picture, 'width' | 'height' | 'isVector'>,
  maxPixels: number,
): { width: number; height: number } {
  const most = isVector ? Number.POSITIVE_INFINITY : 1
  const scale = Math.min(most, Math.sqrt(maxPixels / (width * height)), longestSide / Math.max(width, height))
  // Downwards, or rounding both sides up would make one pixel row too many.
  const side = (length: number) => Math.max(1, scale === 1 ? length : Math.floor(length * scale))
  return { width: side(width), height: side(height) }
}

/**
 * What to do to a copy so that it looks as the result will: lengths in pixels are scaled by how much smaller the copy is
 * at that point. Nowhere on the way has it more than `maxPixels` for longer than one step.
 * @param source the picture that the output is made of; its steps must be possible (see `renderings`)
 * @param copy the same with fewer pixels
 */
export function previewOf(output: PlannedOutput, source: Picture, copy: Picture, maxPixels: number): Preview {
  const steps: PlannedStep[] = []
  let [real, shown] = [source, copy]
  const show = (planned: PlannedStep) => {
    steps.push(planned)
    shown = pictureAfter(planned, shown)
  }
  const [first] = output.passes.flat()
  if (source.isVector === true && first?.operation.drawn === undefined && copy.width > source.width) {
    show({ operation: resize, step: exactly(source), field: '', where: 'the preview' })
  }
  for (const planned of output.passes.flat()) {
    const { operation, step } = planned
    const before = real
    real = pictureAfter(planned, before)
    const isWhole = isAsLarge(shown, before) && fits(real, maxPixels)
    const ones =
      isWhole || operation.shown === undefined
        ? [step]
        : operation.shown(step, { before, copy: shown, maxPixels })
    for (const one of ones) show({ ...planned, step: { ...step, ...one } })
    // A rotation and a padding add pixels, and a crop may be cut out of a copy with more detail.
    if (!fits(shown, maxPixels)) {
      show({ ...planned, operation: resize, step: exactly(copySize(shown, maxPixels)) })
    }
  }
  return { output: { ...output, passes: passesOf(steps) }, result: real, shown }
}

/**
 * Whether a copy with more detail would make a better preview: the recipe cuts out so little that most of what could be
 * shown of it is not in the copy. Only where nothing slow comes before the cut, as it would be done to all of that copy.
 */
export function wantsDetail(
  output: PlannedOutput,
  source: Picture,
  copy: Picture,
  maxPixels: number,
): boolean {
  const slots = output.passes.flat().map(({ operation, step }) => operation.slot(step))
  const cut = slots.indexOf('crop')
  if (cut === -1 || isAsLarge(source, copy)) return false
  if (slots.slice(0, cut).some((slot) => slot === null || !quick.has(slot))) return false
  const { result, shown } = previewOf(output, source, copy, maxPixels)
  const wanted = copySize(result, maxPixels)
  return shown.width * shown.height * 2 < wanted.width * wanted.height
}

const quick: ReadonlySet<Slot> = new Set(['flip', 'flop', 'turn', 'grayscale'])

/** A step that makes a picture just so large. */
export function exactly({ width, height }: Pick<Picture, 'width' | 'height'>): StepOf<typeof resize> {
  return resize.schema.parse({ op: 'resize', width, height, fit: 'fill' })
}

function isAsLarge(one: Picture, other: Picture): boolean {
  return one.width === other.width && one.height === other.height
}

function fits(picture: Picture, maxPixels: number): boolean {
  const { width, height } = copySize(picture, maxPixels)
  return width === picture.width && height === picture.height
}
