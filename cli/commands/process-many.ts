import type { Client } from '@pixelflow/client'
import { span } from '@pixelflow/core/amounts'
import { processFile, resultLines, resultValue, type FileJob } from '../client/process-file.ts'
import { processPicture } from '../client/work.ts'
import type { Context } from '../context.ts'
import { Exit, exitCodes } from '../exit.ts'
import { exitFor } from '../terminal/ending.ts'
import { openManyFiles } from '../terminal/many-files.ts'
import { styleOf } from '../terminal/style.ts'
import { openSource, type Source } from '../client/source.ts'
import { jobOf, readWork, type ProcessOptions } from './process-job.ts'
import { withServer } from './shared.ts'

/** How many files are sent and followed at once: enough that the server never waits for the next one. */
const filesAtOnce = 4

/** Processes many files, each as a task of its own. One that fails does not keep the others from being processed. */
export async function processMany(
  paths: readonly string[],
  options: ProcessOptions,
  context: Context,
): Promise<void> {
  const { cwd, config, interrupts } = context
  const { signal } = interrupts
  const { lane } = options
  const { plain, names, finish } = await readWork(options, cwd)
  const sources: Source[] = []
  const unusable: { path: string; error: unknown }[] = []
  // One after the other: a shell may name more files than may be open at once.
  for (const path of paths) {
    await openSource(path, cwd).then(
      (source) => sources.push(source),
      (error: unknown) => unusable.push({ path, error }),
    )
  }
  const jobs = sources.map((source) => jobOf(source, names, options, cwd))
  requireDistinct(jobs, names)
  for (const { target } of jobs) await target.prepare()

  const files = openManyFiles({ json: options.json === true, colour: config.colour, count: paths.length })
  const style = styleOf(process.stdout, config.colour)
  const failures: unknown[] = []
  const fail = (name: string, error: unknown) => {
    failures.push(error)
    files.failed(name, errorValue(error), sentenceOf(error))
  }
  const processJob = async (server: Client, job: FileJob) => {
    const { source, target } = job
    const begun = files.clock.elapsedMs
    const outlet = files.begin(source.name)
    try {
      const work = () => processPicture(server, source, finish(plain, target), outlet, { signal, lane })
      const result = await processFile(server, target, work, { note: outlet.note, cwd })
      const tookMs = files.clock.elapsedMs - begun
      outlet.result(resultValue(result), resultLines(result, job, { tookMs, style, cwd }))
    } catch (error) {
      if (signal.aborted) throw error
      fail(source.name, error)
    } finally {
      outlet.close()
    }
  }
  try {
    await withServer(context, options, files.note, async (server) => {
      files.clock.restart()
      for (const { path, error } of unusable) fail(path, error)
      const waiting = [...jobs]
      const worker = async () => {
        for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
          signal.throwIfAborted()
          await processJob(server, job)
        }
      }
      const ends = await Promise.allSettled(Array.from({ length: filesAtOnce }, worker))
      const left = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
      if (left.length > 0) throw interruptedAll(left)
      const completed = paths.length - failures.length
      const took = span(files.clock.elapsedMs)
      files.summary(
        { files: paths.length, completed, failed: failures.length },
        `${completed} of ${paths.length} files processed in ${took}`,
      )
    })
  } finally {
    files.close()
  }
  if (failures.length > 0) {
    throw new Exit('failed', `${failures.length} of ${paths.length} files failed.`, {
      remedy: 'See the reason beside each file above. The others are processed.',
    })
  }
}

/** What to say of an interruption that met several files; anything else is as it was thrown. */
function interruptedAll(reasons: readonly unknown[]): unknown {
  const [first, ...others] = reasons
  const isInterrupted = (one: unknown) => one instanceof Exit && one.ending === 'interrupted'
  if (others.length === 0 || !reasons.every(isInterrupted)) return first
  return new Exit('interrupted', reasons.map((one) => (one as Exit).message).join('\n       '))
}

/** @throws Exit `usage` when results of two files would have the same name. */
function requireDistinct(jobs: readonly FileJob[], names: readonly string[]): void {
  const owners = new Map<string, string>()
  for (const { source, target } of jobs) {
    for (const name of names) {
      // The format is not known yet; two that differ in nothing else are too close to be told apart anyway.
      const path = target.pathOf({ name, format: 'png' })
      const owner = owners.get(path)
      if (owner !== undefined) {
        throw new Exit(
          'usage',
          `The results of ${owner} and ${source.path ?? source.name} would have the same name.`,
          {
            field: '--output',
            remedy:
              "Name a folder (-o results/) or a pattern with {stem} (-o 'results/{stem}.{ext}'), and process files of the same name apart.",
          },
        )
      }
      owners.set(path, source.path ?? source.name)
    }
  }
}

function sentenceOf(error: unknown): string {
  const { message, remedy } = exitFor(error)
  return remedy === undefined ? message : `${message} ${remedy}`
}

function errorValue(error: unknown) {
  const { ending, message, field, remedy, requestId } = exitFor(error)
  return { error: { code: exitCodes[ending], ending, message, field, remedy, requestId } }
}
