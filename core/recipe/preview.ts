import type { Picture } from '../operations/operation.ts'
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
 * needless loss: one that fits is taken as it is.
 */
export function copySize(
  { width, height }: Pick<Picture, 'width' | 'height'>,
  maxPixels: number,
): { width: number; height: number } {
  const scale = Math.min(1, Math.sqrt(maxPixels / (width * height)), longestSide / Math.max(width, height))
  // Downwards, or rounding both sides up would make one pixel row too many.
  const side = (length: number) => Math.max(1, scale === 1 ? length : Math.floor(length * scale))
  return { width: side(width), height: side(height) }
}

/**
 * What to do to a copy so that it looks as the result will: lengths in pixels are scaled by how much smaller the copy is
 * at that point.
 * @param source the picture that the output is made of; its steps must be possible (see `renderings`)
 * @param copy the same with fewer pixels
 */
export function previewOf(output: PlannedOutput, source: Picture, copy: Picture, maxPixels: number): Preview {
  const steps: PlannedStep[] = []
  let [real, shown] = [source, copy]
  const show = (planned: PlannedStep) => {
    steps.push(planned)
    shown = planned.operation.after(planned.step, shown)
  }
  for (const planned of output.passes.flat()) {
    const { operation, step } = planned
    const before = real
    real = operation.after(step, before)
    const isWhole = isAsLarge(shown, before) && fits(real, maxPixels)
    const ones =
      isWhole || operation.shown === undefined
        ? [step]
        : operation.shown(step, { before, copy: shown, maxPixels })
    for (const one of ones) show({ ...planned, step: { ...step, ...one } })
  }
  const last = output.passes.at(-1)?.at(-1)
  // What a rotation or a padding has added.
  if (!fits(shown, maxPixels)) {
    const step = resize.schema.parse({ op: 'resize', ...copySize(shown, maxPixels), fit: 'fill' })
    show({ field: '', where: 'the preview', ...last, operation: resize, step })
  }
  return { output: { ...output, passes: passesOf(steps) }, result: real, shown }
}

function isAsLarge(one: Picture, other: Picture): boolean {
  return one.width === other.width && one.height === other.height
}

function fits(picture: Picture, maxPixels: number): boolean {
  const { width, height } = copySize(picture, maxPixels)
  return width === picture.width && height === picture.height
}
