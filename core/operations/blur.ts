import { z } from 'zod'
import { pictureOperation, scaleOf } from './operation.ts'

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
  shown: (step, scene) => {
    const sigma = step.sigma * scaleOf(scene)
    return sigma < finest ? [] : [{ ...step, sigma }]
  },
  // sharp by itself cuts the Gaussian off where it falls below 0.2: sigma 0.5 would then do nothing, 3 come out as 2.5.
  // For large ones, where every further pixel costs time, 5% less than asked is near enough.
  apply: (pipeline, { sigma }) => pipeline.blur({ sigma, minAmplitude: sigma < 10 ? 0.01 : 0.05 }),
})
