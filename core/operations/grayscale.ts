import { z } from 'zod'
import { pictureOperation } from '../recipe/operation.ts'

/** Converts the picture to shades of gray. */
export const grayscale = pictureOperation({
  schema: z.strictObject({ op: z.literal('grayscale') }),
  title: 'Grayscale',
  summary: 'Removes the colours and keeps the brightness.',
  section: 'color',
  positional: [],
  examples: ['grayscale', 'resize:800/grayscale/format:webp'],
  slot: () => 'grayscale',
  after: (_, before) => before,
  apply: (pipeline) => pipeline.grayscale(),
})
