import { readFileSync } from 'node:fs'

/**
 * Preloaded into a process under test: shifts its wall clock by the milliseconds in the file `PIXELFLOW_TEST_CLOCK_FILE`,
 * which is read again while the process runs. The monotonic clock and timers do not change, as on a machine whose clock is
 * set.
 */

const path = process.env['PIXELFLOW_TEST_CLOCK_FILE']
if (path === undefined)
  throw new Error('PIXELFLOW_TEST_CLOCK_FILE is not set. Name the file with the offset.')
const file = path

const readEveryMs = 20
const RealDate = Date
const realNow = Date.now
let offsetMs = 0
let readAt = Number.NEGATIVE_INFINITY

function now(): number {
  const at = performance.now()
  if (at - readAt > readEveryMs) {
    readAt = at
    offsetMs = Math.round(Number(readFileSync(file, 'utf8')))
  }
  return realNow() + offsetMs
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: [], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
})

const newId = Bun.randomUUIDv7
Bun.randomUUIDv7 = ((encoding: 'hex' = 'hex', at: Date | number = now()) =>
  newId(encoding, at)) as typeof Bun.randomUUIDv7
