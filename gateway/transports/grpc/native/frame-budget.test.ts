import { expect, test } from 'bun:test'
import { frameTypes as types } from '../../../testing/http2.ts'
import { createFrameBudget, type FrameHead } from './frame-budget.ts'

const frame = (type: number, more: Partial<FrameHead> = {}): FrameHead => ({
  type,
  flags: 0,
  length: 0,
  stream: 1,
  isOpen: true,
  isOpening: false,
  ...more,
})

/** A connection whose clock stands still, so that only what is done refills the budget. */
function connection() {
  let written = 0
  const budget = createFrameBudget(
    () => written,
    () => 0,
  )
  return {
    ...budget,
    write: (bytes: number) => void (written += bytes),
    all: (...frames: FrameHead[]) => frames.map((one) => budget.take(one)).find((why) => why !== undefined),
  }
}

test('any number of calls is let be, also by a client that acknowledges every answer twice', () => {
  const { all, write, completed } = connection()
  for (let call = 0; call < 100_000; call++) {
    const begun = all(
      frame(types.headers, { length: 200, isOpen: false, isOpening: true }),
      frame(types.data, { length: 30 }),
      // An end of its own, as clients in JavaScript send it.
      frame(types.data, { flags: 1 }),
    )
    write(150)
    completed()
    expect(
      begun ?? all(frame(types.windowUpdate, { length: 4 }), frame(types.windowUpdate, { length: 4 })),
    ).toBeUndefined()
  }
})

test('a download may be acknowledged and measured frame by frame, and half of all calls be given up', () => {
  const { all, write, completed } = connection()
  for (let count = 0; count < 100_000; count++) {
    write(16_384)
    const measured = all(
      frame(types.windowUpdate),
      frame(types.windowUpdate),
      frame(types.ping, { length: 8 }),
    )
    completed()
    const opening = frame(types.headers, { length: 200, isOpen: false, isOpening: true })
    expect(measured ?? all(opening, frame(types.reset, { length: 4 }))).toBeUndefined()
  }
})

test('the headers of one call have so many frames and no more', () => {
  const { all } = connection()
  const more = Array.from({ length: 1099 }, () => frame(types.continuation, { length: 16_384 }))
  const opening = frame(types.headers, { length: 16_384, isOpening: true, isOpen: false })
  expect(all(opening, ...more)).toBeUndefined()
  expect(all(opening, ...more)).toBeUndefined()
  expect(all(frame(types.continuation))).toBe('too many header frames')
})
