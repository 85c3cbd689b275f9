import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Exit } from '../exit.ts'
import { exitOf } from './problem.ts'
import { thrownBy, type Server } from './server.ts'

/** What is to be fetched, and what it must be when it is here. */
export interface Download {
  /** Path on the server. */
  readonly href: string
  readonly bytes: number
  readonly sha256: string
}

const mostTries = 5

/**
 * The bytes of an output or image. A connection that breaks is taken up where it broke.
 *
 * @throws Exit when the server refuses, stays away, or the digest is not the promised one.
 */
export async function* fetchBytes(
  server: Server,
  { href, bytes, sha256 }: Download,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hasher = new Bun.CryptoHasher('sha256')
  let received = 0
  let tries = 0
  while (received < bytes) {
    try {
      for await (const chunk of pieces(server, href, received, signal)) {
        hasher.update(chunk)
        received += chunk.length
        tries = 0
        yield chunk
      }
      if (received < bytes) throw new Exit('unreachable', `The answer of ${server.url} was cut short.`)
    } catch (error) {
      tries += 1
      if (!(error instanceof Exit) || error.ending !== 'unreachable' || tries >= mostTries) throw error
      await Bun.sleep(Math.min(200 * 2 ** tries, 2000))
    }
  }
  if (hasher.digest('hex') !== sha256) {
    throw new Exit('failed', `What ${server.url}${href} sent is not what was stored: its SHA-256 differs.`, {
      remedy: 'Try again; if it stays so, something between here and there changes bytes.',
    })
  }
}

async function* pieces(
  server: Server,
  href: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const response = await server.fetch(href, {
    headers: from > 0 ? { range: `bytes=${from}-` } : {},
    timeout: false,
  })
  if (!response.ok) throw await exitOf(response)
  if (from > 0 && response.status !== 206) {
    await response.body?.cancel()
    throw new Exit('failed', `The server at ${server.url} cannot take up a broken download.`)
  }
  try {
    for await (const chunk of response.body ?? []) yield chunk
  } catch (error) {
    throw thrownBy(error, server.url, signal)
  }
}

/**
 * Writes all of it to a file, or nothing: it stands under another name beside it until it is whole. What is no file,
 * a pipe or a device, is written to as it is.
 */
export async function saveTo(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
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
    if (error instanceof Exit || code === undefined) throw error
    throw new Exit('failed', `${path} cannot be written (${code}).`, { cause: error })
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten
}

/** Writes to standard output at its reader's pace. */
export async function saveToStdout(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const sink = Bun.stdout.writer({ highWaterMark: 256 * 1024 })
  for await (const chunk of chunks) {
    await sink.write(chunk)
    await sink.flush()
  }
  await sink.end()
}
