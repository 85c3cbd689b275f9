import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { createSharedFileFinder } from './shared-file-finder.ts'
import { openSharedFiles } from './shared-files.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-shared-files-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const open = (sharedCacheDir: string | undefined = home, sharedCacheBytes = 1) =>
  openSharedFiles({ sharedCacheDir, sharedCacheBytes })

async function listFiles(): Promise<string[]> {
  const folders = await readdir(home)
  return (await Promise.all(folders.map((folder) => readdir(join(home, folder))))).flat()
}

describe('a shared file', () => {
  test('is found by its name and size, and read in pieces', async () => {
    await using files = await open()
    const file = files.create()
    const bytes = randomBytes(100_000)
    for (let at = 0; at < bytes.length; at += 30_000)
      expect(file?.append(bytes.subarray(at, at + 30_000))).toBe(true)
    expect(file?.bytes).toBe(bytes.length)
    const pieces = [...(file?.pieces(64 * 1024) ?? [])]
    expect(pieces.map(({ length }) => length)).toEqual([64 * 1024, 100_000 - 64 * 1024])
    expect(Buffer.concat(pieces)).toEqual(bytes)

    const { find } = createSharedFileFinder(home)
    const name = file?.name ?? ''
    const path = find(name, bytes.length) ?? ''
    expect(await readFile(path)).toEqual(bytes)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(find(name, bytes.length - 1)).toBeUndefined()
    file?.remove()
    file?.remove()
    expect(find(name, bytes.length)).toBeUndefined()
    expect(await listFiles()).toEqual([])
  })

  test('is not found by a name that leads elsewhere', async () => {
    await using files = await open()
    const file = files.create()
    file?.append(Buffer.from('image'))
    const folder = file?.name.split('/')[0] ?? ''
    await writeFile(join(home, 'secret'), 'image')
    await mkdir(join(home, folder, 'sub'))
    await writeFile(join(home, 'other~file'), 'image')
    await mkdir(join(home, 'pixelflow-call~elsewhere~1~1~a'))
    await writeFile(join(home, 'pixelflow-call~elsewhere~1~1~a', 'file'), 'image')
    const { find } = createSharedFileFinder(home)
    expect(find(file?.name ?? '', 5)).toBeDefined()
    for (const name of [
      '',
      'secret',
      '../secret',
      `${folder}/../secret`,
      `${folder}/..`,
      `${folder}/sub`,
      `${folder}/sub/../../secret`,
      `../${basename(home)}/secret`,
      'pixelflow-call~elsewhere~1~1~a/file',
      `${folder}/${file?.name.split('/')[1]}\0`,
    ])
      expect([name, find(name, 5)]).toEqual([name, undefined])
  })

  test('disappears with its process', async () => {
    const files = await open()
    files.create()?.append(Buffer.from('image'))
    expect(await listFiles()).toHaveLength(1)
    await files[Symbol.asyncDispose]()
    expect(await readdir(home)).toEqual([])
  })

  test('of a process that was killed is removed when another looks for such files, or starts', async () => {
    const dead = Bun.spawn(['true'])
    await dead.exited
    const leave = async () => {
      const folder = join(home, `pixelflow-call~${hostname()}~${dead.pid}~1~abc`)
      await mkdir(folder)
      await writeFile(join(folder, 'file'), 'image')
    }
    await leave()
    await createSharedFileFinder(home).removeDead()
    expect(await readdir(home)).toEqual([])
    await leave()
    await using _ = await open()
    expect(await listFiles()).toEqual([])
  })

  test('without space keeps what it had', async () => {
    await using disk = await mountSmallDisk(256 * 1024)
    await using files = await open(disk.path)
    const file = files.create()
    const bytes = randomBytes(100_000)
    expect(file?.append(bytes)).toBe(true)
    await disk.fill()
    expect(file?.append(bytes)).toBe(false)
    expect(file?.bytes).toBe(bytes.length)
    expect(Buffer.concat([...(file?.pieces(65_536) ?? [])])).toEqual(bytes)
    file?.remove()
  })

  test('is not created without a folder, with a cache of no bytes, or when the folder is gone', async () => {
    for (const files of [
      await openSharedFiles({ sharedCacheDir: undefined, sharedCacheBytes: 1 }),
      await open(home, 0),
    ])
      expect(files.create()).toBeUndefined()
    expect(createSharedFileFinder(undefined).find('pixelflow-call~a/b', 1)).toBeUndefined()
    await using files = await open()
    await rm(home, { recursive: true })
    expect(files.create()).toBeUndefined()
  })
})
