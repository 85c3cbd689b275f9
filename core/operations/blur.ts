import { z } from 'zod'
import { pictureOperation, previewScale } from '../recipe/operation.ts'

/** The smallest sigma: a smaller one has no visible effect, and sharp rejects it. */
const finest = 0.3

const schema = z.strictObject({
  op: z.literal('blur'),
  sigma: z.number().min(finest).max(250).default(3).meta({
    title: 'Sigma',
    description: 'Standard deviation of the Gaussian, in pixels; larger values blur more.',
  }),
})

/** Gaussian blur. */
export const blur = pictureOperation({
  schema,
  title: 'Blur',
  summary: 'Blurs the image with a Gaussian.',
  section: 'filter',
  positional: ['sigma'],
  examples: ['blur:3', 'resize:800/blur:12.5'],
  notes:
    'Sigma is in pixels of the image at this step: the same sigma blurs an image more visibly after it was scaled ' +
    'down. Large values are slow on large images, so resize first if you can.',
  slot: () => 'blur',
  after: (_, before) => before,
  scaleForPreview: (step, context) => {
    const sigma = step.sigma * previewScale(context)
    return sigma < finest ? [] : [{ ...step, sigma }]
  },
  apply: (pipeline, { sigma }) => pipeline.blur({ sigma, precision: precisionOf(sigma), minAmplitude }),
})

/**
 * The amplitude below which libvips truncates the Gaussian kernel, relative to its peak. With sharp's default of 0.2,
 * sigma 0.5 has no effect and sigma 3 blurs like 2.5.
 */
const minAmplitude = 0.01

/** From this sigma on, repeated box blurs approximate the Gaussian closely enough; see the measurements in ADR 15. */
const coarse = 2.8

/**
 * The precision with which libvips convolves. Integer precision, sharp's default, is the fastest, but its weights do
 * not add up to one: flat areas and the alpha of opaque pictures change by up to 8 of 255 levels, depending on sigma.
 * `float` and `approximate` keep flat areas exactly. The time of `float` grows with sigma; that of `approximate` does
 * not. For a small sigma, however, `approximate` is wrong by dozens of levels, and below 0.5, where the Gaussian is
 * narrower than its boxes, its result is empty.
 */
export function precisionOf(sigma: number): 'float' | 'approximate' {
  return sigma < coarse ? 'float' : 'approximate'
}
