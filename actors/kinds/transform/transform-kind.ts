import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import { format } from '@pixelflow/core/format'
import type { Blobs } from '@pixelflow/core/ports/blobs'
import { outputNames } from '@pixelflow/core/recipe/recipe'
import { outputObject } from '@pixelflow/core/task'
import type { JobHandler, JobContext } from '../../runtime/job-handler.ts'
import { retry } from '@pixelflow/core/retry'
import { estimateMemory } from '../../sandbox/estimate-memory.ts'
import { invalidMessage } from '../../sandbox/invalid-message.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import type { Scratch } from '../../sandbox/scratch.ts'
import { outputPath, transformNote, type TransformInput, type TransformNote } from './transform-input.ts'
import { fetchSource, findSource, type SourceStores } from './fetch-source.ts'
import { storeOutput } from './store-output.ts'

export interface TransformOptions extends SourceStores {
  readonly results: Blobs
  readonly scratch: Scratch
  readonly sandbox: Sandbox
  /** Pixels a picture may have at most. */
  readonly maxPixels: number
}

type OutputNote = Extract<TransformNote, { stage: 'output' }>

/**
 * Makes the outputs of a recipe out of one picture: fetch, decode and render in a child, store. Outputs that an earlier
 * attempt has stored and reported are not made again.
 */
export function transform(options: TransformOptions): JobHandler {
  return {
    kind: 'transform',
    ready: (signal) => options.sandbox.ready(signal),
    run: (work) => run(options, work),
  }
}

async function run(options: TransformOptions, work: JobContext): Promise<void> {
  const { account, image, recipe, outputs: made } = work.task
  const names = outputNames(recipe)
  const missing = names.filter((name) => !made.some((output) => output.name === name))
  // Two stages and one for each output; those of an earlier attempt count as done.
  let parts = made.length
  const progress = () => Math.min(99, Math.round(((parts += 1) / (names.length + 2)) * 100))
  if (missing.length === 0) return

  const record = await work.time(
    'look',
    retry(() => findSource(options, account, image), work),
  )
  await using folder = await options.scratch.folder(record.bytes)
  const source = join(folder.path, 'source')
  await work.time(
    'fetch',
    retry(() => fetchSource(options, record, source, work.signal), work),
  )
  work.report('fetched', { progress: progress() })

  const broken = new AbortController()
  const signal = AbortSignal.any([work.signal, broken.signal])
  const seen = new Set<string>()
  let storing = Promise.resolve()

  const store = async (name: string, note: OutputNote) => {
    signal.throwIfAborted()
    const { mediaType } = format(note.format)
    const object = outputObject(account, work.task.id, work.job.stage, name)
    const path = outputPath(folder.path, note.index)
    const put = retry(() => storeOutput(options.results, { path, name: object, mediaType, signal }), {
      signal,
    })
    const { bytes, sha256 } = await work.time('store', put)
    const { format: written, width, height } = note
    const output = { name, format: written, mediaType, bytes, sha256, width, height }
    work.report('output', { outputs: [...work.task.outputs, output], progress: progress() }, name)
  }
  const hear = (said: unknown) => {
    const note = transformNote.safeParse(said)
    const name = note.data?.stage === 'output' ? missing[note.data.index] : 'decoded'
    if (!note.success || name === undefined) {
      broken.abort(invalidMessage())
      return
    }
    // After a crash the same work is done once more and tells the same again.
    const key = `${note.data.stage} ${name}`
    if (seen.has(key)) return
    seen.add(key)
    if (note.data.stage === 'decoded') {
      work.report('decoded', { progress: progress() })
      return
    }
    const output = note.data
    // One after the other, while the child is already at the next: what waits is a file, not memory.
    storing = storing.then(() => store(name, output))
    storing.catch((error: unknown) => broken.abort(error))
  }

  const input: TransformInput = {
    source,
    format: record.format,
    recipe,
    outputs: missing,
    folder: folder.path,
    inStages: true,
    maxPixels: options.maxPixels,
  }
  let turn = performance.now()
  const waited = () => {
    work.spent('wait', performance.now() - turn)
    turn = performance.now()
  }
  try {
    const { cpuMs } = await options.sandbox.run({
      kind: 'transform',
      account,
      memoryEstimateBytes: estimateMemory(record),
      yields: work.job.lane === 'bulk',
      input,
      signal,
      onNote: hear,
      onTurn: waited,
    })
    work.spent('child', performance.now() - turn)
    work.spent('childCpu', cpuMs)
  } finally {
    // The files go when this scope ends, so nobody may still be reading them.
    await storing.catch(() => {})
  }
  await storing
  if (seen.size !== missing.length + 1) throw new Fault('internal', 'The image was not processed to the end.')
}
