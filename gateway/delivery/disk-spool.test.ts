import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stays } from '@pixelflow/testkit/wait-for'
import { openDiskSpool } from './disk-spool.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixelflow-spool-'))
})
afterEach(() => rm(folder, { recursive: true }))

const never = new AbortController().signal
const body = (text: string) => async () =>
  (async function* () {
    yield new TextEncoder().encode(text)
  })()

test('keeps bytes in a file until they are released', async () => {
  await using spool = await openDiskSpool(folder, 100)
  const held = await spool.write(5, body('hello'), never)
  expect(await Bun.file(held.path).text()).toBe('hello')
  expect(spool.files).toBe(1)
  await held.release()
  await held.release()
  expect([spool.files, await readdir(folder)]).toEqual([0, []])
})

test('a write waits while the spool is full, and a waiting write can be aborted', async () => {
  await using spool = await openDiskSpool(folder, 10)
  const first = await spool.write(8, body('first'), never)
  const leaving = new AbortController()
  const left = spool.write(8, body('left'), leaving.signal)
  let isWritten = false
  const second = spool.write(1000, body('second'), never).finally(() => (isWritten = true))
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await stays('second write waiting', () => !isWritten, 50)
  await first.release()
  expect(await Bun.file((await second).path).text()).toBe('second')
})

test('deletes the file when the body fails or the write is aborted', async () => {
  await using spool = await openDiskSpool(folder, 10)
  const breaking = async () =>
    (async function* () {
      yield new Uint8Array(3)
      throw new Error('broke')
    })()
  await expect(spool.write(10, breaking, never)).rejects.toThrow('broke')
  await expect(spool.write(10, body('x'), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  expect(await readdir(folder)).toEqual([])
  await (await spool.write(10, body('x'), never)).release()
})

test('opening deletes the files of ended processes only', async () => {
  const dead = Bun.spawn(['true'])
  await dead.exited
  await Promise.all(
    [`${dead.pid}-a`, `${process.pid}-b`, `${process.ppid}-c`, 'note.txt'].map((name) =>
      Bun.write(join(folder, name), 'x'),
    ),
  )
  await using spool = await openDiskSpool(folder, 10)
  expect(spool.files).toBe(0)
  expect((await readdir(folder)).sort()).toEqual([`${process.ppid}-c`, 'note.txt'].sort())
})
