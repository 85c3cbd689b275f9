import { z } from 'zod'
import { pictureOperation } from './operation.ts'

/** Mirrors the picture vertically. */
export const flip = pictureOperation({
  schema: z.strictObject({ op: z.literal('flip') }),
  title: 'Flip',
  summary: 'Mirrors the image top to bottom.',
  positional: [],
  examples: ['flip', 'resize:400/flip/format:png'],
  slot: () => 'flip',
  after: (_, before) => before,
  apply: (pipeline) => pipeline.flip(),
})
