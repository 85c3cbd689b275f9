import { expect, test } from 'bun:test'
import { stays } from '@pixelflow/testkit/wait-for'
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

test('returns the newest preview only, after all other updates in order', async () => {
  const updates = createUpdateBuffer()
  for (const update of [preview(1), restored(1), preview(2), restored(2), preview(3)])
    await updates.push(update)
  expect(await updates.next()).toEqual(restored(1))
  expect(await updates.next()).toEqual(restored(2))
  expect(await updates.next()).toEqual(preview(3))
  updates.close()
  expect(await updates.next()).toBeNull()
})

test('push waits while the buffer is full', async () => {
  const updates = createUpdateBuffer()
  for (let n = 0; n < 32; n += 1) await updates.push(restored(n))
  let isIn = false
  const pushing = updates.push(restored(32)).then(() => (isIn = true))
  await stays('push waiting', () => !isIn, 5)
  await updates.next()
  await pushing
  updates.close()
  const rest: (TuneUpdate | null)[] = []
  for (let update; (update = await updates.next()) !== null;) rest.push(update)
  expect(rest.at(-1)).toEqual(restored(32))
})

test('a fault is thrown after the updates before it', async () => {
  const updates = createUpdateBuffer()
  await updates.push(restored(1))
  updates.close(new Error('the end'))
  updates.close()
  expect(await updates.next()).toEqual(restored(1))
  expect(await updates.next().catch((error: Error) => error.message)).toBe('the end')
  const waiting = createUpdateBuffer()
  const next = waiting.next().catch((error: Error) => error.message)
  waiting.close(new Error('suddenly'))
  expect(await next).toBe('suddenly')
})

test('waitForPreviewTaken resolves when no preview waits or the buffer is closed', async () => {
  const updates = createUpdateBuffer()
  await updates.waitForPreviewTaken()
  await updates.push(preview(1))
  let isTaken = false
  const taking = updates.waitForPreviewTaken().then(() => (isTaken = true))
  await stays('preview waiting', () => !isTaken, 5)
  await updates.next()
  await taking
  await updates.push(preview(2))
  const closing = updates.waitForPreviewTaken()
  updates.close()
  await closing
})
