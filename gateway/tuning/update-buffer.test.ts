import { expect, test } from 'bun:test'
import { createUpdateBuffer, type TuneUpdate } from './update-buffer.ts'

const restored = (sequence: number): TuneUpdate => ({ type: 'restored', sequence })
const preview = (sequence: number): TuneUpdate => {
  const size = { width: 1, height: 1 }
  const about = {
    sequence,
    output: 'default',
    ...size,
    result: size,
    format: 'jpeg',
    mediaType: '',
    bytes: 1,
    ms: 0,
  }
  return { type: 'preview', about: about as never, file: new Uint8Array(1) }
}

test('of previews the newest alone is heard, and all else before it, in order', async () => {
  const outbox = createUpdateBuffer()
  for (const heard of [preview(1), restored(1), preview(2), restored(2), preview(3)]) await outbox.say(heard)
  expect(await outbox.next()).toEqual(restored(1))
  expect(await outbox.next()).toEqual(restored(2))
  expect(await outbox.next()).toEqual(preview(3))
  outbox.close()
  expect(await outbox.next()).toBeNull()
})

test('whoever says too much waits until some of it is heard', async () => {
  const outbox = createUpdateBuffer()
  for (let n = 0; n < 32; n += 1) await outbox.say(restored(n))
  let isIn = false
  const saying = outbox.say(restored(32)).then(() => (isIn = true))
  await Bun.sleep(5)
  expect(isIn).toBe(false)
  await outbox.next()
  await saying
  outbox.close()
  const rest: (TuneUpdate | null)[] = []
  for (let heard; (heard = await outbox.next()) !== null;) rest.push(heard)
  expect(rest.at(-1)).toEqual(restored(32))
})

test('a fault is thrown after what was said before it', async () => {
  const outbox = createUpdateBuffer()
  await outbox.say(restored(1))
  outbox.close(new Error('the end'))
  outbox.close()
  expect(await outbox.next()).toEqual(restored(1))
  expect(await outbox.next().catch((error: Error) => error.message)).toBe('the end')
  const waiting = createUpdateBuffer()
  const next = waiting.next().catch((error: Error) => error.message)
  waiting.close(new Error('suddenly'))
  expect(await next).toBe('suddenly')
})

test('it is clear when no preview waits, or nobody listens any more', async () => {
  const outbox = createUpdateBuffer()
  await outbox.clear()
  await outbox.say(preview(1))
  let isClear = false
  const clearing = outbox.clear().then(() => (isClear = true))
  await Bun.sleep(5)
  expect(isClear).toBe(false)
  await outbox.next()
  await clearing
  await outbox.say(preview(2))
  const closing = outbox.clear()
  outbox.close()
  await closing
})
