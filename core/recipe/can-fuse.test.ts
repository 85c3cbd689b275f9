import { expect, test } from 'bun:test'
import type { Slot } from './operation.ts'
import { canFuse } from './can-fuse.ts'

const slots = (text: string) => text.split(' ') as Slot[]

test.each([
  'separate',
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
])('%s can fuse', (text) => {
  expect(canFuse(slots(text))).toBe(true)
})

test.each([
  // The same call twice: the second would replace the first.
  'flip flip',
  'blur blur',
  'scale cover',
  'turn rotate',
  'crop crop crop',
  'scale crop crop',
  // The reverse of sharp's order.
  'blur scale',
  'sharpen blur',
  'scale grayscale',
  'blur grayscale',
  'blur flip',
  'blur crop',
  'turn flip',
  // sharp flips after the resize and the crop, unless there is a rotation.
  'flip crop',
  'flip scale',
  'crop turn scale',
  // sharp cuts and pads to the box after flip and turn.
  'cover flip',
  'contain turn',
  // The order of sharp, but the steps conflict.
  'grayscale contain',
  'grayscale rotate',
  'grayscale cover',
  'contain blur',
  'contain sharpen',
  'rotate blur',
  'scale rotate',
  'cover rotate',
  // The order of the calls is unknown.
  'separate separate',
  'crop separate',
  'separate blur',
])('%s needs a new pipeline', (text) => {
  expect(canFuse(slots(text))).toBe(false)
})
