import { z } from 'zod'
import { pictureOperation } from '../recipe/operation.ts'

/** Mirrors the picture vertically. */
export const flip = pictureOperation({
  schema: z.strictObject({ op: z.literal('flip') }),
  title: 'Flip',
  summary: 'Mirrors the image top to bottom.',
  section: 'geometry',
  order: 4,
  positional: [],
  examples: ['flip', 'resize:400/flip/format:png'],
  slot: () => 'flip',
  after: (_, before) => before,
  apply: (pipeline) => pipeline.flip(),
})
