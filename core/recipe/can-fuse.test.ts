import { expect, test } from 'bun:test'
import type { Slot } from '../operations/operation.ts'
import { canFuse } from './can-fuse.ts'

const slots = (text: string) => text.split(' ') as Slot[]

test.each([
  'crop scale',
  'scale crop',
  'crop scale crop',
  'crop crop',
  'crop turn crop',
  'scale flip flop turn',
  'flop flip',
  'scale turn crop blur sharpen',
  'turn scale',
  'rotate scale',
  'flip turn crop scale blur',
  'rotate crop blur',
  'flip rotate',
  'cover crop',
  'grayscale scale blur',
  'crop grayscale',
  'grayscale crop',
  'turn grayscale',
  'contain crop',
  'blur sharpen',
])('%s is the order of sharp itself', (text) => {
  expect(canFuse(slots(text))).toBe(true)
})

test.each([
  // Twice the same call: the second would replace the first.
  'flip flip',
  'blur blur',
  'scale cover',
  'turn rotate',
  'crop crop crop',
  'scale crop crop',
  // The other way round.
  'blur scale',
  'sharpen blur',
  'scale grayscale',
  'blur grayscale',
  'blur flip',
  'blur crop',
  'turn flip',
  // A flip alone is done after the resize and the crop, unless a rotation goes with it.
  'flip crop',
  'flip scale',
  'crop turn scale',
  // Cutting and padding to the box come after flip and turn.
  'cover flip',
  'contain turn',
  // Right order, wrong pixels.
  'grayscale contain',
  'grayscale rotate',
  'grayscale cover',
  'contain blur',
  'contain sharpen',
  'rotate blur',
  'scale rotate',
  'cover rotate',
])('%s needs a new pipeline', (text) => {
  expect(canFuse(slots(text))).toBe(false)
})
