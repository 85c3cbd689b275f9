import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openScratch } from './scratch.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixelflow-scratch-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('folders are private and separate, and are removed with their scope', async () => {
  {
    await using scratch = await openScratch(root)
    expect((await stat(scratch.large)).mode & 0o777).toBe(0o700)
    {
      await using one = await scratch.folder(1)
      await using two = await scratch.folder(1)
      expect(one.path).not.toBe(two.path)
      expect((await stat(one.path)).mode & 0o777).toBe(0o700)
      await mkdir(join(one.path, 'deep'))
      await writeFile(join(one.path, 'deep', 'source'), 'x')
    }
    expect(await readdir(scratch.large)).toEqual([])
  }
  expect(await readdir(root)).toEqual([])
})

test('a lazy folder is created when it is needed, and removed with its content', async () => {
  await using scratch = await openScratch(root)
  {
    await using unused = scratch.lazyFolder(1)
    expect(unused.path.startsWith(`${scratch.large}/`)).toBe(true)
    expect(await readdir(scratch.large)).toEqual([])
    await using used = scratch.lazyFolder(1)
    used.create()
    used.create()
    expect((await stat(used.path)).mode & 0o777).toBe(0o700)
    await writeFile(join(used.path, 'source'), 'x')
  }
  expect(await readdir(scratch.large)).toEqual([])
})

test('the next start removes folders of dead processes, and nothing else', async () => {
  const dead = Bun.spawn(['true'])
  await dead.exited
  const ofDead = `pixelflow-actor~${hostname()}~${dead.pid}~12345~a`
  // The process id is in use, by a process with another start time.
  const ofFormer = `pixelflow-actor~${hostname()}~${process.pid}~1~b`
  const elsewhere = `pixelflow-actor~another-machine~${dead.pid}~12345~c`
  for (const name of [ofDead, ofFormer, elsewhere, 'something']) {
    await mkdir(join(root, name))
    await writeFile(join(root, name, 'source'), 'x')
  }
  await using scratch = await openScratch(root)
  await using second = await openScratch(root)
  const kept = [elsewhere, 'something', ...[scratch, second].map(({ large }) => large.slice(root.length + 1))]
  expect((await readdir(root)).toSorted()).toEqual(kept.toSorted())
})

test('small folders are in memory where tmpfs has enough space, large ones on disk', async () => {
  await using scratch = await openScratch()
  await using small = await scratch.folder(1000)
  await using large = await scratch.folder(100 * 2 ** 20)
  expect([tmpdir(), '/dev/shm'].some((home) => small.path.startsWith(`${home}/`))).toBe(true)
  expect(large.path.startsWith(`${tmpdir()}/`)).toBe(true)
  expect(scratch.paths.every((path) => small.path.startsWith(path) || large.path.startsWith(path))).toBe(true)
})
