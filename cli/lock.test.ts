import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from '@pixelflow/testkit/process'
import { lock, tryLock } from './lock.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-lock-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

/** Another process that holds a lock until it is killed. */
async function holder(file: string, kind: string) {
  const script = `import { tryLock } from '${import.meta.dir}/lock.ts'
    globalThis.held = tryLock('${file}', '${kind}')
    console.log(globalThis.held ? 'held' : 'refused')
    setInterval(() => {}, 1000)`
  const process_ = launch({ command: [process.execPath, '-e', script] })
  return { process: process_, output: await process_.line(() => true) }
}

test('one process holds an exclusive lock, and the kernel releases it when the process exits', async () => {
  const file = join(home, 'deep/a.lock')
  const first = await holder(file, 'exclusive')
  expect(first.output).toBe('held')
  expect(tryLock(file, 'exclusive')).toBeNull()
  expect(tryLock(file, 'shared')).toBeNull()
  expect(await lock(file, 'exclusive', { timeoutMs: 100 })).toBeNull()
  const waiting = lock(file, 'exclusive', { timeoutMs: 5000 })
  first.process.signal('SIGKILL')
  using held = await waiting
  expect(held).not.toBeNull()
})

test('several processes share a lock, which excludes an exclusive one', async () => {
  const file = join(home, 'b.lock')
  const first = await holder(file, 'shared')
  {
    using mine = tryLock(file, 'shared')
    expect(mine).not.toBeNull()
    expect(tryLock(file, 'exclusive')).toBeNull()
  }
  expect(tryLock(file, 'exclusive')).toBeNull()
  first.process.signal('SIGKILL')
  await first.process.exited
  using alone = tryLock(file, 'exclusive')
  expect(alone).not.toBeNull()
})

test('waiting ends when the signal is aborted', async () => {
  const file = join(home, 'c.lock')
  using _ = tryLock(file, 'exclusive')
  expect(await lock(file, 'shared', { timeoutMs: 60_000, signal: AbortSignal.timeout(50) })).toBeNull()
})
