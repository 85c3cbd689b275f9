import { closeSync, fstatSync, openSync, readSync, writevSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { parseTraceparent } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { inSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import {
  maxFrameBytes,
  transformRequest,
  type TransformRequest,
  type TransformResult,
} from '@pixelflow/core/transform-request'
import { totalLength } from '@pixelflow/core/concat-bytes'
import type { Session, SessionHandler } from '@pixelflow/core/ports/sessions'
import { estimateMemory } from '../../sandbox/estimate-memory.ts'
import { invalidMessage } from '../../sandbox/invalid-message.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import type { LazyScratchFolder } from '../../sandbox/scratch.ts'
import type { KindContext } from '../kind.ts'
import { parseSessionOpening } from '../parse-session-opening.ts'
import { throwNoSpace } from './fetch-source.ts'
import { safeReadFlags, unreadableOutput } from './store-output.ts'
import { incompleteWork } from './transform-job-handler.ts'
import {
  maxMessageFileBytes,
  outputPath,
  transformNote,
  type OutputNote,
  type WorkerSource,
  type TransformInput,
} from './transform-input.ts'

/** Receives an image over a session, renders one output of a recipe, and sends it back over the session. */
export function createTransformSessionHandler(context: KindContext): SessionHandler {
  return {
    // While the workers compute, further images arrive and results leave.
    capacity: 2 * context.settings.liveConcurrency,
    isPaused: () => context.sandbox.isCircuitOpen,
    wantsFrames(opening) {
      const { data } = fileOfRequest.safeParse(opening)
      return data === undefined || findFile(context, data) === undefined
    },
    async handle(opening, session) {
      const request = parseSessionOpening(transformRequest, opening)
      const parent = parseTraceparent(request.traceparent)
      await inSpan('live transform', { kind: 'server', parent }, () =>
        transformSession(context, request, session),
      )
    },
  }
}

async function transformSession(
  context: KindContext,
  request: TransformRequest,
  session: Session,
): Promise<void> {
  const { account, bytes, width, height, format, recipe, output } = request
  await using folder = context.scratch.lazyFolder(bytes)
  const shared = findFile(context, request)
  if (shared !== undefined) removeIfLost(context, session)
  const source =
    shared === undefined
      ? await inSpan('receive source', {}, () => receive(session, folder, bytes))
      : { path: shared }

  const input: TransformInput = {
    source,
    format,
    recipe,
    outputs: [output],
    folder: folder.path,
    shortStageMs: null,
    maxPixels: context.settings.maxPixels,
  }
  const startedAt = performance.now()
  const memoryEstimateBytes = estimateMemory({ bytes, width, height })
  const note = await runWorker(context.sandbox, account, input, memoryEstimateBytes, session.broken)
  const workMs = performance.now() - startedAt
  await inSpan('send result', {}, () => sendResult(session, outputPath(folder.path, 0), note, workMs))
  context.log.debug('live transform completed', {
    account,
    bytes,
    ms: Math.round(workMs),
    peer: session.peer,
  })
}

/** What decides how the image comes: the whole opening is parsed once, by the session. */
const fileOfRequest = transformRequest.pick({ file: true, bytes: true })

function findFile(
  { sharedFiles }: Pick<KindContext, 'sharedFiles'>,
  { file, bytes }: Pick<TransformRequest, 'file' | 'bytes'>,
): string | undefined {
  return file === undefined ? undefined : sharedFiles.find(file, bytes)
}

/** Removes the shared file when its gateway has died. */
function removeIfLost({ sharedFiles }: Pick<KindContext, 'sharedFiles'>, { broken }: Session): void {
  const remove = () => void sharedFiles.removeDead()
  if (broken.aborted) remove()
  else broken.addEventListener('abort', remove, { once: true })
}

/** Files up to this size are read and written synchronously: a thread switch would cost more than the copy. */
const maxSyncBytes = 1024 * 1024

/** Receives the image: a small one as bytes, a larger one as a file, which is written while a very large one arrives. */
async function receive(session: Session, folder: LazyScratchFolder, bytes: number): Promise<WorkerSource> {
  if (bytes <= maxMessageFileBytes) {
    const pieces = await Array.fromAsync(receivedChunks(session, bytes))
    return { base64: Buffer.concat(pieces.flat()).toString('base64') }
  }
  folder.create()
  const path = join(folder.path, 'source')
  if (bytes <= maxSyncBytes) {
    writeFileAtOnce(path, await Array.fromAsync(receivedChunks(session, bytes)))
    return { path }
  }
  await using file = await open(path, 'w', 0o600)
  for await (const chunks of receivedChunks(session, bytes)) {
    const { bytesWritten } = await file.writev([...chunks]).catch(throwNoSpace)
    if (bytesWritten < totalLength(chunks)) throwNoSpace({ code: 'ENOSPC' })
  }
  return { path }
}

async function* receivedChunks(session: Session, bytes: number): AsyncGenerator<readonly Uint8Array[], void> {
  let left = bytes
  for (let frame = await session.next(); frame !== null; frame = await session.next()) {
    left -= totalLength(frame.chunks)
    if (left < 0) break
    yield frame.chunks
  }
  if (left !== 0) {
    throw new Fault('internal', 'The gateway sent another number of bytes than it announced.', {
      remedy: 'Try again; if it persists, report the request id.',
    })
  }
}

function writeFileAtOnce(path: string, pieces: readonly (readonly Uint8Array[])[]): void {
  const file = openSync(path, 'w', 0o600)
  try {
    const chunks = pieces.flat()
    if (writevSync(file, chunks) < totalLength(chunks)) throwNoSpace({ code: 'ENOSPC' })
  } catch (error) {
    throwNoSpace(error)
  } finally {
    closeSync(file)
  }
}

/** Renders in a worker; resolves with the worker's note of the output. */
async function runWorker(
  sandbox: Sandbox,
  account: string,
  input: TransformInput,
  memoryEstimateBytes: number,
  broken: AbortSignal,
): Promise<OutputNote> {
  const failed = new AbortController()
  let output: OutputNote | undefined
  const onNote = (received: unknown) => {
    const { data } = transformNote.safeParse(received)
    if (data === undefined || (data.stage === 'output' && data.index !== 0)) failed.abort(invalidMessage())
    else if (data.stage === 'output') output = data
  }
  const signal = AbortSignal.any([broken, failed.signal])
  await sandbox.run({ kind: 'transform', account, input, memoryEstimateBytes, signal, onNote })
  if (output === undefined) throw incompleteWork()
  return output
}

async function sendResult(session: Session, path: string, note: OutputNote, workMs: number): Promise<void> {
  if (note.base64 === undefined) return sendFile(session, path, note, workMs)
  const bytes = Buffer.from(note.base64, 'base64')
  if (bytes.length === 0) throw unreadableOutput('a message')
  const { format, width, height } = note
  const sha256 = new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
  const head: TransformResult = { format, width, height, bytes: bytes.length, sha256, workMs }
  await session.send(head, bytes)
  await session.finish()
}

/** Sends the output file. It was just written, so it is in the page cache and is read synchronously. */
async function sendFile(session: Session, path: string, note: OutputNote, workMs: number): Promise<void> {
  const file = openSync(path, safeReadFlags)
  try {
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size === 0) throw unreadableOutput(path)
    const { size } = stat
    const first = readPiece(file, 0, size)
    const hasher = new Bun.CryptoHasher('sha256').update(first)
    // The digest is sent before the bytes, so a large file is read twice.
    for (let at = first.length; at < size;) {
      const piece = readPiece(file, at, size)
      hasher.update(piece)
      at += piece.length
    }
    const { format, width, height } = note
    const sha256 = hasher.digest('hex')
    const head: TransformResult = { format, width, height, bytes: size, sha256, workMs }
    await session.send(head, first)
    for (let at = first.length; at < size;) {
      const piece = readPiece(file, at, size)
      await session.send(null, piece)
      at += piece.length
    }
    // Finished here, so that the client does not wait for the scratch folder to be removed.
    await session.finish()
  } finally {
    closeSync(file)
  }
}

function readPiece(file: number, at: number, size: number): Uint8Array {
  const piece = new Uint8Array(Math.min(maxFrameBytes, size - at))
  const bytesRead = readSync(file, piece, 0, piece.length, at)
  if (bytesRead === 0) {
    throw new Fault('processing_failed', 'The output of the image worker changed while it was read.', {
      remedy: 'Try again; if it persists, report the request id.',
    })
  }
  return piece.subarray(0, bytesRead)
}
