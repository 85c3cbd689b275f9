import { Fault } from '@pixelflow/core/fault'
import { formatOf } from '@pixelflow/core/format'
import { outputNames } from '@pixelflow/core/recipe/recipe'
import { retry } from '@pixelflow/core/retry'
import { outputObject } from '@pixelflow/core/task'
import type { JobContext, JobHandler } from '../../runtime/job-handler.ts'
import { estimateMemory } from '../../sandbox/estimate-memory.ts'
import { invalidMessage } from '../../sandbox/invalid-message.ts'
import type { KindContext } from '../kind.ts'
import { findSource, provideSource } from './fetch-source.ts'
import { storeOutput, storeOutputBytes } from './store-output.ts'
import { outputPath, transformNote, type OutputNote, type TransformInput } from './transform-input.ts'

/** Stages that follow each other within so many milliseconds may be reported together. */
const shortStageMs = 20

/**
 * Applies the recipe of a task to its image: fetches the image, renders the outputs in a worker, stores them. Outputs
 * that an earlier attempt has stored and reported are not rendered again.
 */
export function createTransformJobHandler(context: KindContext): JobHandler {
  return {
    ready: (signal) => context.sandbox.ready(signal),
    run: (job) => run(context, job),
  }
}

async function run(context: KindContext, job: JobContext): Promise<void> {
  const { scratch, sandbox, results, settings } = context
  const { account, image, recipe, outputs: made } = job.task
  const names = outputNames(recipe)
  const missing = names.filter((name) => !made.some((output) => output.name === name))
  // Progress counts two stages and each output, including outputs of earlier attempts.
  let parts = made.length
  const progress = () => Math.min(99, Math.round(((parts += 1) / (names.length + 2)) * 100))
  if (missing.length === 0) return

  const lookup = () =>
    job.time(
      'lookup',
      retry(() => findSource(context, account, image), job),
    )
  const record = job.image ?? (await lookup())
  await using folder = scratch.lazyFolder(record.bytes)
  const source = await job.time(
    'fetch',
    retry(() => provideSource(context, record, folder, job.signal), job),
  )
  job.report('fetched', { progress: progress() })

  const failed = new AbortController()
  const signal = AbortSignal.any([job.signal, failed.signal])
  const seen = new Set<string>()
  let storing = Promise.resolve()

  const store = async (name: string, note: OutputNote) => {
    signal.throwIfAborted()
    const { format: outputFormat, width, height } = note
    const { mediaType } = formatOf(outputFormat)
    const object = outputObject(account, job.task.id, job.job.stage, name)
    // Each event of several outputs would repeat the bytes of those before.
    const blob = { name: object, mediaType, signal, mayInline: names.length === 1 }
    const put =
      note.base64 === undefined
        ? () => storeOutput(results, { ...blob, path: outputPath(folder.path, note.index) })
        : storeOutputBytes.bind(null, results, Buffer.from(note.base64, 'base64'), blob)
    const { bytes, sha256, location } = await job.time('store', retry(put, { signal }))
    const described = { name, format: outputFormat, mediaType, bytes, sha256, width, height }
    const output = { ...described, ...(location === undefined ? {} : { location }) }
    job.report('output', { outputs: [...job.task.outputs, output], progress: progress() }, name)
  }
  const onNote = (received: unknown) => {
    const note = transformNote.safeParse(received)
    const name = note.data?.stage === 'output' ? missing[note.data.index] : 'decoded'
    if (!note.success || name === undefined) {
      failed.abort(invalidMessage())
      return
    }
    // The work runs again after a crash and then repeats its notes.
    const key = `${note.data.stage} ${name}`
    if (seen.has(key)) return
    seen.add(key)
    if (note.data.stage === 'decoded') {
      job.report('decoded', { progress: progress() })
      return
    }
    const output = note.data
    // Outputs are stored in order while the worker renders the next one. Large ones wait as files, not in memory.
    storing = storing.then(() => store(name, output))
    storing.catch((error: unknown) => failed.abort(error))
  }

  const input: TransformInput = {
    source,
    format: record.format,
    recipe,
    outputs: missing,
    folder: folder.path,
    shortStageMs,
    maxPixels: settings.maxPixels,
  }
  let since = performance.now()
  const onStart = () => {
    job.addTime('wait', performance.now() - since)
    since = performance.now()
  }
  try {
    const { cpuMs } = await sandbox.run({
      kind: 'transform',
      account,
      memoryEstimateBytes: estimateMemory(record),
      isLowPriority: job.job.lane === 'bulk',
      input,
      signal,
      onNote,
      onStart,
    })
    job.addTime('worker', performance.now() - since)
    job.addTime('workerCpu', cpuMs)
  } finally {
    // The folder is removed at the end of this scope, so its files must not be in use.
    await storing.catch(() => {})
  }
  await storing
  if (seen.size !== missing.length + 1) throw incompleteWork()
}

/** The worker reported success without all of its outputs. */
export function incompleteWork(): Fault {
  return new Fault('internal', 'The image worker ended without the requested output.', {
    remedy: 'Try again; if it persists, report the request id.',
  })
}
