import { expect, test } from 'bun:test'
import { frameTypes as types } from '../../../testing/raw-http2.ts'
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

/** A connection with a stopped clock, so that only events refill the budget. */
function connection() {
  let written = 0
  const budget = createFrameBudget(
    () => written,
    () => 0,
  )
  return {
    ...budget,
    write: (bytes: number) => void (written += bytes),
    all: (...frames: FrameHead[]) =>
      frames.map((one) => budget.take(one)).find((reason) => reason !== undefined),
  }
}

test('any number of calls is allowed, even if the client sends two window updates for each', () => {
  const { all, write, countCompleted } = connection()
  for (let call = 0; call < 100_000; call++) {
    const begun = all(
      frame(types.headers, { length: 200, isOpen: false, isOpening: true }),
      frame(types.data, { length: 30 }),
      // JavaScript clients end the stream with an empty frame.
      frame(types.data, { flags: 1 }),
    )
    write(150)
    countCompleted()
    expect(
      begun ?? all(frame(types.windowUpdate, { length: 4 }), frame(types.windowUpdate, { length: 4 })),
    ).toBeUndefined()
  }
})

test('window updates and a ping for each frame of a download are allowed, and so are resets of half of all calls', () => {
  const { all, write, countCompleted } = connection()
  for (let count = 0; count < 100_000; count++) {
    write(16_384)
    const measured = all(
      frame(types.windowUpdate),
      frame(types.windowUpdate),
      frame(types.ping, { length: 8 }),
    )
    countCompleted()
    const opening = frame(types.headers, { length: 200, isOpen: false, isOpening: true })
    expect(measured ?? all(opening, frame(types.reset, { length: 4 }))).toBeUndefined()
  }
})

test('the number of header frames of one call is limited', () => {
  const { all } = connection()
  const more = Array.from({ length: 1099 }, () => frame(types.continuation, { length: 16_384 }))
  const opening = frame(types.headers, { length: 16_384, isOpening: true, isOpen: false })
  expect(all(opening, ...more)).toBeUndefined()
  expect(all(opening, ...more)).toBeUndefined()
  expect(all(frame(types.continuation))).toBe('too many header frames')
})
