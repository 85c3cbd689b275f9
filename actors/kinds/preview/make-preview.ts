import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Fault } from '@pixelflow/core/fault'
import type { z } from 'zod'
import { invalidMessage } from '../../sandbox/invalid-message.ts'
import type { Sandbox, SandboxWork } from '../../sandbox/sandbox.ts'
import {
  copyMade,
  previewMade,
  type CopyMade,
  type MakeCopy,
  type MakePreview,
  type PreviewInput,
  type PreviewMade,
} from './preview-input.ts'

/** How long a rendering may take in milliseconds: nobody waits longer to see what a slider does. */
const previewLimitMs = 15_000
/** How long a child may go on for somebody who has left, in milliseconds: longer than most work, shorter than a new one. */
const finishMs = 1000
/** Memory that work on a copy may take, in bytes. */
const previewMemoryBytes = 256 * 2 ** 20
/** Bytes a preview may have; no encoder makes more of the pixels it may have. */
const largestPreview = 32 * 2 ** 20

/** Has a child decode a picture, which may take so much memory, and leave a smaller copy. @throws Fault */
export function makeCopy(
  sandbox: Sandbox,
  account: string,
  order: MakeCopy,
  memoryEstimateBytes: number,
  signal: AbortSignal,
): Promise<CopyMade> {
  return ask(sandbox, account, order, copyMade, signal, { memoryEstimateBytes })
}

/** Has a child make a preview; answers with it and its bytes. @throws Fault */
export async function makePreview(
  sandbox: Sandbox,
  account: string,
  order: MakePreview,
  signal: AbortSignal,
): Promise<PreviewMade & { file: Uint8Array }> {
  const limit = { timeLimitMs: previewLimitMs, memoryEstimateBytes: previewMemoryBytes }
  const once = () => ask(sandbox, account, order, previewMade, signal, limit)
  const made = await once().catch((thrown: unknown) => {
    // A child that somebody killed while it worked on this may have been killed for something else.
    if (Fault.of(thrown).code === 'actor_lost') return once()
    throw thrown
  })
  return { ...made, file: await read(order.target) }
}

async function ask<S extends z.ZodType>(
  sandbox: Sandbox,
  account: string,
  input: PreviewInput,
  answer: S,
  signal: AbortSignal,
  limit: Pick<SandboxWork, 'timeLimitMs' | 'memoryEstimateBytes'>,
): Promise<z.infer<S>> {
  let said: unknown
  using patience = patient(signal, finishMs)
  const onNote = (note: unknown) => void (said = note)
  await sandbox.run({ kind: 'preview', account, input, signal: patience.signal, onNote, ...limit })
  const { success, data } = answer.safeParse(said)
  if (success) return data
  throw invalidMessage()
}

/** A signal that aborts so much later than another. */
function patient(signal: AbortSignal, byMs: number): Disposable & { readonly signal: AbortSignal } {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => (timer = setTimeout(() => late.abort(signal.reason), byMs))
  if (signal.aborted) late.abort(signal.reason)
  else signal.addEventListener('abort', onAbort, { once: true })
  return {
    signal: late.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}

/** The file was made by a process that reads hostile pictures: it may have put a link to elsewhere in its place. */
async function read(path: string): Promise<Uint8Array> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stat = await file.stat()
  if (stat.isFile() && stat.size > 0 && stat.size <= largestPreview) return file.readFile()
  throw new Fault('processing_failed', 'The preview could not be read.', { cause: `no file at ${path}` })
}
