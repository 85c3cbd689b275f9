import { open } from 'node:fs/promises'
import { Fault } from '@pixelflow/core/fault'
import type { z } from 'zod'
import { invalidMessage } from '../../sandbox/invalid-message.ts'
import type { Sandbox, SandboxWork } from '../../sandbox/sandbox.ts'
import { safeReadFlags, unreadableOutput } from '../transform/store-output.ts'
import {
  copyResult,
  previewResult,
  type CopyResult,
  type CopyRequest,
  type PreviewWork,
  type PreviewInput,
  type PreviewResult,
} from './preview-input.ts'

/** Time limit of a rendering, in milliseconds: a user who moves a slider does not wait longer. */
const previewTimeoutMs = 15_000
/** How long work continues after its session ended, in milliseconds: most work is done by then, and its worker stays. */
const finishMs = 1000
/** Memory estimate of work on a copy, in bytes. */
const previewMemoryBytes = 256 * 2 ** 20
/** Size limit of a preview file, in bytes; encoders stay far below it. */
const maxPreviewBytes = 32 * 2 ** 20

/** Decodes an image in a worker, which writes a smaller copy. @throws Fault */
export function requestCopy(
  sandbox: Sandbox,
  account: string,
  input: CopyRequest,
  memoryEstimateBytes: number,
  signal: AbortSignal,
): Promise<CopyResult> {
  return runWorker(sandbox, account, input, copyResult, signal, { memoryEstimateBytes })
}

/** Renders a preview in a worker; resolves with its description and its bytes. @throws Fault */
export async function requestPreview(
  sandbox: Sandbox,
  account: string,
  input: PreviewWork,
  signal: AbortSignal,
): Promise<PreviewResult & { file: Uint8Array }> {
  const limit = { timeLimitMs: previewTimeoutMs, memoryEstimateBytes: previewMemoryBytes }
  const render = () => runWorker(sandbox, account, input, previewResult, signal, limit)
  const made = await render().catch((thrown: unknown) => {
    // The worker was killed from outside, which need not be caused by this work.
    if (Fault.of(thrown).code === 'actor_lost') return render()
    throw thrown
  })
  return { ...made, file: await readPreview(input.target) }
}

async function runWorker<S extends z.ZodType>(
  sandbox: Sandbox,
  account: string,
  input: PreviewInput,
  result: S,
  signal: AbortSignal,
  limit: Pick<SandboxWork, 'timeLimitMs' | 'memoryEstimateBytes'>,
): Promise<z.infer<S>> {
  let received: unknown
  using delayed = delayAbort(signal, finishMs)
  const onNote = (note: unknown) => void (received = note)
  await sandbox.run({ kind: 'preview', account, input, signal: delayed.signal, onNote, ...limit })
  const { success, data } = result.safeParse(received)
  if (success) return data
  throw invalidMessage()
}

/** A signal that aborts some time after another. */
function delayAbort(signal: AbortSignal, delayMs: number): Disposable & { readonly signal: AbortSignal } {
  const delayed = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => (timer = setTimeout(() => delayed.abort(signal.reason), delayMs))
  if (signal.aborted) delayed.abort(signal.reason)
  else signal.addEventListener('abort', onAbort, { once: true })
  return {
    signal: delayed.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}

async function readPreview(path: string): Promise<Uint8Array> {
  await using file = await open(path, safeReadFlags)
  const stat = await file.stat()
  if (stat.isFile() && stat.size > 0 && stat.size <= maxPreviewBytes) return file.readFile()
  throw unreadableOutput(path)
}
