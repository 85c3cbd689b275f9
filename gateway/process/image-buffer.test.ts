import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlobWrite } from '@pixelflow/core/ports/blobs'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import {
  openSharedFiles,
  noSharedFiles,
  type SharedFiles,
} from '@pixelflow/platform/shared-files/shared-files'
import { createImageBuffer } from './image-buffer.ts'

let home: string
let files: SharedFiles
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-image-buffer-'))
  files = await openSharedFiles({ sharedCacheDir: home, sharedCacheBytes: 1 })
})
afterEach(async () => {
  await files[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
})

const countFiles = async () =>
  (await readdir(home, { recursive: true })).length - (await readdir(home)).length

/** A budget that shows what is in use, and a store that keeps what it gets. */
function open(options: { files?: SharedFiles; maxBytes?: number; memoryBytes?: number } = {}) {
  const { maxBytes = 10_000_000, memoryBytes = 10_000_000 } = options
  let used = 0
  const stored: Buffer[] = []
  let isAborted = false
  const memory = {
    tryAcquire(bytes: number) {
      if (used + bytes > memoryBytes) return false
      used += bytes
      return true
    },
    release: (bytes: number) => void (used -= bytes),
  }
  const write: Pick<BlobWrite, 'write' | 'abort'> = {
    write: async (chunk) => void stored.push(Buffer.from(chunk)),
    abort: async () => void (isAborted = true),
  }
  const inline = { maxBytes, timeoutMs: 1000, memory, files: options.files ?? files }
  const buffer = createImageBuffer(inline, async () => write as BlobWrite)
  return {
    buffer,
    used: () => used,
    stored: () => Buffer.concat(stored),
    isAborted: () => isAborted,
    async writeAll(bytes: Uint8Array, chunkBytes: number) {
      for (let at = 0; at < bytes.length; at += chunkBytes)
        await buffer.write(Uint8Array.from(bytes.subarray(at, at + chunkBytes)))
    },
    content: () => Buffer.concat([...(buffer.content?.pieces(50_000) ?? [])].flat()),
  }
}

describe('an image', () => {
  test.each([1000, 20_000, 300_000])('in chunks of %d bytes is held in a shared file', async (chunkBytes) => {
    const bytes = randomBytes(700_000)
    const held = open()
    await held.writeAll(bytes, chunkBytes)
    expect(await countFiles()).toBe(1)
    expect(held.buffer.content).toMatchObject({ bytes: bytes.length, file: expect.stringContaining('/') })
    expect(held.content().equals(bytes)).toBe(true)
    expect(held.used()).toBeGreaterThanOrEqual(bytes.length)
    expect(held.used()).toBeLessThan(bytes.length + 2 * 16 * 1024)
    await held.buffer.drop()
    await held.buffer.drop()
    expect([held.used(), await countFiles()]).toEqual([0, 0])
  })

  test('that is small, or has no folder, is held in memory', async () => {
    const bytes = randomBytes(300_000)
    for (const [held, length] of [
      [open({ files: noSharedFiles }), bytes.length],
      [open(), 40_000],
    ] as const) {
      const some = bytes.subarray(0, length)
      await held.writeAll(some, 7000)
      expect(held.buffer.content).toMatchObject({ bytes: length, file: undefined })
      expect(held.content().equals(some)).toBe(true)
      await held.buffer.drop()
      expect(held.used()).toBe(0)
    }
    expect(await countFiles()).toBe(0)
  })

  test.each([0, 100_000])('stays complete when the disk is full after %d bytes', async (first) => {
    await using disk = await mountSmallDisk(512 * 1024)
    await using small = await openSharedFiles({ sharedCacheDir: disk.path, sharedCacheBytes: 1 })
    const bytes = randomBytes(700_000)
    const held = open({ files: small })
    await held.writeAll(bytes.subarray(0, first), 25_000)
    await disk.fill()
    await held.writeAll(bytes.subarray(first), 25_000)
    expect(held.buffer.content).toMatchObject({ bytes: bytes.length, file: undefined })
    expect(held.content().equals(bytes)).toBe(true)
    await held.buffer.drop()
    expect(held.used()).toBe(0)
  })

  test.each([{ maxBytes: 500_000 }, { memoryBytes: 500_000 }])(
    'beyond a limit is moved to the store (%p)',
    async (limit) => {
      const bytes = randomBytes(700_000)
      const held = open(limit)
      await held.writeAll(bytes, 60_000)
      expect(held.buffer.content).toBeUndefined()
      expect(held.stored().equals(bytes)).toBe(true)
      expect([held.used(), await countFiles()]).toEqual([0, 0])
      await held.buffer.drop()
      expect(held.isAborted()).toBe(true)
    },
  )

  test('in a shared file is stored when the call becomes a task', async () => {
    const bytes = randomBytes(300_000)
    const held = open()
    await held.writeAll(bytes, 60_000)
    await held.buffer.moveToStore()
    expect(held.stored().equals(bytes)).toBe(true)
    expect([held.used(), await countFiles()]).toEqual([0, 0])
  })
})
