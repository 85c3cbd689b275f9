import { z } from 'zod'
import { pictureOperation } from '../recipe/operation.ts'

/** Mirrors the picture horizontally. */
export const flop = pictureOperation({
  schema: z.strictObject({ op: z.literal('flop') }),
  title: 'Flop',
  summary: 'Mirrors the image left to right.',
  section: 'geometry',
  order: 5,
  positional: [],
  examples: ['flop', 'resize:400/flop/format:png'],
  slot: () => 'flop',
  after: (_, before) => before,
  apply: (pipeline) => pipeline.flop(),
})
