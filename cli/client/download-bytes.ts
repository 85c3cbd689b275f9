import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PixelflowError, type Client, type ContentRef } from '@pixelflow/client'
import { CliError, exitCodes } from '../cli-error.ts'

/**
 * The bytes of an output or image, at the reader's pace.
 *
 * @throws PixelflowError when the server refuses, stays away, or the digest is not the promised one.
 */
export async function* downloadBytes(server: Client, from: ContentRef): AsyncGenerator<Uint8Array> {
  const hasher = new Bun.CryptoHasher('sha256')
  const { body, sha256 } = await server.download(from)
  for await (const chunk of body) {
    hasher.update(chunk)
    yield chunk
  }
  if (hasher.digest('hex') === sha256) return
  throw new PixelflowError(
    'damaged',
    `What ${server.address} sent is not what was stored: its SHA-256 differs.`,
    {
      remedy: 'Try again; if it stays so, something between here and there changes bytes.',
    },
  )
}

/**
 * Writes a file completely or not at all: the bytes go to a temporary file beside it, which is then renamed. What is not a file,
 * a pipe or a device, is written to as it is.
 */
export async function saveToFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let partial: string | undefined
  try {
    const known = await stat(path).catch(() => null)
    const target = known ? await realpath(path) : path
    if (known === null || known.isFile()) {
      partial = join(dirname(target), `.${basename(target)}.${process.pid}.part`)
    }
    {
      await using file = await open(partial ?? target, 'w')
      for await (const chunk of chunks) await writeAll(file, chunk)
    }
    if (partial) await rename(partial, target)
  } catch (error) {
    if (partial) await rm(partial, { force: true })
    const code = (error as NodeJS.ErrnoException).code
    if (error instanceof CliError || error instanceof PixelflowError || code === undefined) throw error
    throw new CliError('failed', `${path} cannot be written (${code}).`, {
      remedy: 'Name a file in a folder that you may write to, on a disk with free space.',
      cause: error,
    })
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten
}

/** Writes to standard output at its reader's pace. */
export async function saveToStdout(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const sink = Bun.stdout.writer({ highWaterMark: 256 * 1024 })
  try {
    for await (const chunk of chunks) {
      await sink.write(chunk)
      await sink.flush()
    }
    await sink.end()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof PixelflowError || code === undefined) throw error
    // A reader that has seen enough, such as head, is not an error.
    if (code === 'EPIPE') process.exit(exitCodes.ok)
    throw new CliError('failed', `Standard output cannot be written (${code}).`, {
      remedy: 'Write to a file with -o.',
      cause: error,
    })
  }
}
