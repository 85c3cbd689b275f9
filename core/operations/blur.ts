import { z } from 'zod'
import { pictureOperation, previewScale } from './operation.ts'

/** Less cannot be seen, and sharp does not do it. */
const finest = 0.3

const schema = z.strictObject({
  op: z.literal('blur'),
  sigma: z.number().min(finest).max(250).default(3).meta({
    title: 'Sigma',
    description: 'Standard deviation of the Gaussian, in pixels: a larger one blurs more.',
  }),
})

/** Gaussian blur. */
export const blur = pictureOperation({
  schema,
  title: 'Blur',
  summary: 'Blurs the picture with a Gaussian.',
  positional: ['sigma'],
  examples: ['blur:3', 'resize:800/blur:12.5'],
  notes:
    'Sigma counts pixels of the picture as it is at that point: the same sigma blurs a picture more visibly after it ' +
    'was made smaller. Large values take long on large pictures, so resize first where you can.',
  slot: () => 'blur',
  after: (_, before) => before,
  scaleForPreview: (step, context) => {
    const sigma = step.sigma * previewScale(context)
    return sigma < finest ? [] : [{ ...step, sigma }]
  },
  apply: (pipeline, { sigma }) => pipeline.blur({ sigma, precision: precisionOf(sigma), minAmplitude }),
})

/**
 * Where libvips cuts the Gaussian off, as a share of its height. By itself sharp cuts it off at 0.2: sigma 0.5 would then
 * do nothing, and 3 come out as 2.5.
 */
const minAmplitude = 0.01

/** From this sigma on an approximation by boxes is near enough to the Gaussian; ADR 15 has the measurements. */
const coarse = 2.8

/**
 * How libvips calculates. Its integer arithmetic, sharp's default, is the fastest, but its weights do not add up to one:
 * flat areas and the alpha of opaque pictures change by up to 8 of 255, by other amounts for the next sigma. Both of
 * these keep flat areas exactly. `float` takes time in proportion to sigma; `approximate` does not, but is wrong by
 * dozens of levels, and empty below 0.5, where a Gaussian is narrower than its boxes.
 */
export function precisionOf(sigma: number): 'float' | 'approximate' {
  return sigma < coarse ? 'float' : 'approximate'
}
