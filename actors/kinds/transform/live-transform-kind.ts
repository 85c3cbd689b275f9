import { closeSync, constants, fstatSync, openSync, readSync, writevSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import {
  maxFrameBytes,
  transformRequest,
  type TransformRequest,
  type TransformResult,
} from '@pixelflow/core/transform-request'
import { totalLength } from '@pixelflow/core/concat-bytes'
import type { Session } from '@pixelflow/core/ports/sessions'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { estimateMemory } from '../../sandbox/estimate-memory.ts'
import { invalidMessage } from '../../sandbox/invalid-message.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import type { Scratch } from '../../sandbox/scratch.ts'
import { outputPath, transformNote, type TransformInput, type TransformNote } from './transform-input.ts'
import { throwNoSpace } from './fetch-source.ts'

export interface LiveTransformOptions {
  readonly scratch: Scratch
  /** Children of their own, so that nobody who waits has to wait for the queue. */
  readonly sandbox: Sandbox
  /** Pixels a picture may have at most. */
  readonly maxPixels: number
  readonly log: Logger
}

type OutputNote = Extract<TransformNote, { stage: 'output' }>

/** Makes one output of a recipe out of a picture that comes by session, and gives it back the same way. */
export function liveTransform({ scratch, sandbox, maxPixels, log }: LiveTransformOptions) {
  return async (opening: unknown, session: Session): Promise<void> => {
    const { account, bytes, width, height, format, recipe, output } = openingOf(opening)
    await using folder = await scratch.folder(bytes)
    const source = join(folder.path, 'source')
    await receive(session, source, bytes)

    const input: TransformInput = {
      source,
      format,
      recipe,
      outputs: [output],
      folder: folder.path,
      inStages: false,
      maxPixels,
    }
    const begin = performance.now()
    const note = await work(sandbox, account, input, estimateMemory({ bytes, width, height }), session.broken)
    const workMs = performance.now() - begin
    await send(session, outputPath(folder.path, 0), note, workMs)
    log.debug('picture made at once', { account, bytes, ms: Math.round(workMs), peer: session.peer })
  }
}

function openingOf(opening: unknown): TransformRequest {
  const { data, error } = transformRequest.safeParse(opening)
  if (data) return data
  // A gateway of another version; there may be an actor of its own.
  throw new Fault('unavailable', 'The processes that work on images are being replaced just now.', {
    cause: error,
  })
}

/** What is no longer than this is written and read where we are: a way to another thread costs more than the copy. */
const shortBytes = 1024 * 1024

/** Writes the picture to a file as it comes, or when it has come. */
async function receive(session: Session, path: string, bytes: number): Promise<void> {
  if (bytes <= shortBytes) return writeShort(path, await Array.fromAsync(partsOf(session, bytes)))
  await using file = await open(path, 'w', 0o600)
  for await (const parts of partsOf(session, bytes)) {
    const { bytesWritten } = await file.writev([...parts]).catch(throwNoSpace)
    if (bytesWritten < totalLength(parts)) throwNoSpace({ code: 'ENOSPC' })
  }
}

async function* partsOf(session: Session, bytes: number): AsyncGenerator<readonly Uint8Array[], void> {
  let left = bytes
  for (let frame = await session.next(); frame !== null; frame = await session.next()) {
    left -= totalLength(frame.parts)
    if (left < 0) break
    yield frame.parts
  }
  if (left !== 0) throw new Fault('internal', 'The picture did not arrive whole.')
}

function writeShort(path: string, pieces: readonly (readonly Uint8Array[])[]): void {
  const file = openSync(path, 'w', 0o600)
  try {
    const parts = pieces.flat()
    if (writevSync(file, parts) < totalLength(parts)) throwNoSpace({ code: 'ENOSPC' })
  } catch (error) {
    throwNoSpace(error)
  } finally {
    closeSync(file)
  }
}

/** Has a child do it; resolves with what it says about the result. */
async function work(
  sandbox: Sandbox,
  account: string,
  input: TransformInput,
  memoryEstimateBytes: number,
  gone: AbortSignal,
): Promise<OutputNote> {
  const broken = new AbortController()
  let made: OutputNote | undefined
  const onNote = (said: unknown) => {
    const { data } = transformNote.safeParse(said)
    if (data === undefined || (data.stage === 'output' && data.index !== 0)) {
      broken.abort(invalidMessage())
    } else if (data.stage === 'output') made = data
  }
  const signal = AbortSignal.any([gone, broken.signal])
  await sandbox.run({ kind: 'transform', account, input, memoryEstimateBytes, signal, onNote })
  if (made === undefined) throw new Fault('internal', 'The image was not processed to the end.')
  return made
}

/** Sends the file that a child has made: what was just written lies in memory, so it is read where we are. */
async function send(session: Session, path: string, note: OutputNote, workMs: number): Promise<void> {
  // A process that reads hostile pictures made it, and may have put a link to elsewhere in its place.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size === 0) {
      throw new Fault('processing_failed', 'The result could not be read.', { cause: `no file at ${path}` })
    }
    const { size } = stat
    const first = pieceAt(file, 0, size)
    const hasher = new Bun.CryptoHasher('sha256').update(first)
    // The digest goes ahead of the bytes, so what is long is read twice.
    for (let at = first.length; at < size;) {
      const piece = pieceAt(file, at, size)
      hasher.update(piece)
      at += piece.length
    }
    const { format, width, height } = note
    const sha256 = hasher.digest('hex')
    const head: TransformResult = { format, width, height, bytes: size, sha256, workMs }
    await session.send(head, first)
    for (let at = first.length; at < size;) {
      const piece = pieceAt(file, at, size)
      await session.send(null, piece)
      at += piece.length
    }
    // Whoever waits for it need not wait for us to tidy up.
    await session.finish()
  } finally {
    closeSync(file)
  }
}

function pieceAt(file: number, at: number, size: number): Uint8Array {
  const piece = new Uint8Array(Math.min(maxFrameBytes, size - at))
  const bytesRead = readSync(file, piece, 0, piece.length, at)
  if (bytesRead === 0) throw new Fault('processing_failed', 'The result was cut short while it was read.')
  return piece.subarray(0, bytesRead)
}
