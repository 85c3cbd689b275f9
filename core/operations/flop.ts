import { z } from 'zod'
import { pictureOperation } from './operation.ts'

/** Mirrors the picture horizontally. */
export const flop = pictureOperation({
  schema: z.strictObject({ op: z.literal('flop') }),
  title: 'Flop',
  summary: 'Mirrors the image left to right.',
  positional: [],
  examples: ['flop', 'resize:400/flop/format:png'],
  slot: () => 'flop',
  after: (_, before) => before,
  apply: (pipeline) => pipeline.flop(),
})
