import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PixelflowError, type Client, type ContentRef } from '@pixelflow/client'
import { CliError, exitCodes } from '../cli-error.ts'

/**
 * Downloads an output or an image as fast as the bytes are read.
 *
 * @throws PixelflowError when the call fails or the digest differs.
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
    `The download from ${server.address} is damaged: its SHA-256 differs.`,
    {
      remedy: 'Try again. If it persists, a proxy between this machine and the server may change the bytes.',
    },
  )
}

/**
 * Writes a file completely or not at all, through a temporary file that is renamed at the end. Pipes and devices are written
 * directly.
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
      remedy: 'Choose a file in a folder that you can write to, on a disk with free space.',
      cause: error,
    })
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten
}

/** Writes to standard output as fast as it is read. */
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
    // A reader that closes early, such as head, is not an error.
    if (code === 'EPIPE') process.exit(exitCodes.ok)
    throw new CliError('failed', `Standard output cannot be written (${code}).`, {
      remedy: 'Write to a file with -o.',
      cause: error,
    })
  }
}
