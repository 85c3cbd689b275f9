import { expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mountSmallDisk } from '@pixelflow/testkit/small-disk'
import { writePieces } from './write-pieces.ts'

const never = new AbortController().signal

/** Pieces from one buffer, which is used again for the next piece. */
async function* piecesOf(content: Uint8Array, size: number) {
  const buffer = new Uint8Array(size)
  for (let at = 0; at < content.length; at += size) {
    const part = content.subarray(at, at + size)
    buffer.set(part)
    yield buffer.subarray(0, part.length)
  }
}

test.each([1, 1000, 262_144, 262_145, 3_000_000])('writes %d bytes in pieces of any size', async (length) => {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-pieces-'))
  const content = randomBytes(length)
  for (const size of [777, 262_144, 1_000_000]) {
    const path = join(folder, String(size))
    let kept = 0
    {
      await using file = await open(path, 'wx')
      await writePieces(file, piecesOf(content, size), never, (bytes) => (kept += bytes))
    }
    expect(Buffer.compare(await readFile(path), content)).toBe(0)
    expect(kept).toBe(length)
  }
  await rm(folder, { recursive: true })
})

test('fails with the error of the disk, of the pieces, or of the signal', async () => {
  await using disk = await mountSmallDisk(256 * 1024)
  await using file = await open(join(disk.path, 'file'), 'wx')
  const content = randomBytes(1_000_000)
  await expect(writePieces(file, piecesOf(content, 65_536), never)).rejects.toMatchObject({ code: 'ENOSPC' })
  const broken = async function* () {
    yield content
    throw new Error('broken')
  }
  await using other = await open('/dev/null', 'w')
  await expect(writePieces(other, broken(), never)).rejects.toThrow('broken')
  const aborted = AbortSignal.abort(new Error('aborted'))
  await expect(writePieces(other, piecesOf(content, 1000), aborted)).rejects.toThrow('aborted')
})
