import { resolve } from 'node:path'
import type { Client } from '@pixelflow/client'
import { formatDuration } from '@pixelflow/core/format-duration'
import { processFile, formatResult, toResultValue, type FileJob } from '../client/process-file.ts'
import { openSourceFile, type SourceFile } from '../client/source-file.ts'
import { isSameFile } from '../client/output-target.ts'
import { runTask } from '../client/run-task.ts'
import type { Context } from '../context.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import { toCliError } from '../terminal/print-error.ts'
import { createBatchReporter } from '../terminal/batch-reporter.ts'
import { styleOf } from '../terminal/style.ts'
import {
  createFileJob,
  readProcessPlan,
  listResultPaths,
  type ProcessCommandOptions,
  type ProcessPlan,
} from './process-plan.ts'
import { withServer } from './server-flags.ts'

/** Number of files that are processed at the same time: enough that the server never waits for the next one. */
const concurrentFiles = 4

/** Processes several files, each with its own task. The failure of one does not stop the others. */
export async function processMany(
  paths: readonly string[],
  options: ProcessCommandOptions,
  context: Context,
): Promise<void> {
  const { cwd, config, interrupts } = context
  const { signal } = interrupts
  const { lane } = options
  const work = await readProcessPlan(options, cwd)
  requireNamedOnce(paths, cwd)
  const sources: SourceFile[] = []
  const unusable: { path: string; error: unknown }[] = []
  // Not concurrently: a shell pattern can match more files than a process may open.
  for (const path of paths) {
    await openSourceFile(path, cwd).then(
      (source) => sources.push(source),
      (error: unknown) => unusable.push({ path, error }),
    )
  }
  const jobs = sources.map((source) => createFileJob(source, work, options, cwd))
  requireDistinctResults(jobs, work)
  if (options.force !== true) requireSourcesKept(jobs, work)
  for (const { target } of jobs) await target.prepare()

  const files = createBatchReporter({
    json: options.json === true,
    useColor: config.useColor,
    count: paths.length,
  })
  const style = styleOf(process.stdout, config.useColor)
  const failures: unknown[] = []
  const fail = (name: string, error: unknown) => {
    failures.push(error)
    files.failed(name, errorValue(error), sentenceOf(error))
  }
  const processJob = async (server: Client, job: FileJob) => {
    const { source, target } = job
    const begun = files.clock.elapsedMs
    const reporter = files.begin(source.name)
    try {
      const recipe = work.finish(work.plain, target)
      const send = () => runTask(server, source, recipe, reporter, { signal, lane })
      const result = await processFile(server, target, send, { note: reporter.note, cwd })
      const tookMs = files.clock.elapsedMs - begun
      reporter.result(toResultValue(result), formatResult(result, job, { tookMs, style, cwd }))
    } catch (error) {
      if (signal.aborted) throw interruptedFile(source, error)
      if (concernsAllFiles(error)) throw error
      fail(source.name, error)
    } finally {
      reporter.close()
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
          await processJob(server, job).catch((error: unknown) => {
            // The other files would fail in the same way.
            waiting.length = 0
            throw error
          })
        }
      }
      const ends = await Promise.allSettled(Array.from({ length: concurrentFiles }, worker))
      const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
      if (reasons.length > 0) throw reasonForAll(reasons)
      const completed = paths.length - failures.length
      const took = formatDuration(files.clock.elapsedMs)
      files.summary(
        { files: paths.length, completed, failed: failures.length },
        `${completed} of ${paths.length} files processed in ${took}`,
      )
    })
  } finally {
    files.close()
  }
  if (failures.length > 0) {
    const completed = paths.length - failures.length
    throw new CliError('failed', `${failures.length} of ${paths.length} files failed.`, {
      remedy: `See the reason for each failed file above. ${
        completed === 0
          ? 'No file was processed.'
          : completed === 1
            ? 'The other one was processed.'
            : `The other ${completed} were processed.`
      }`,
    })
  }
}

/** Whether an error applies to every file: the server refuses the credentials or is unreachable. */
function concernsAllFiles(error: unknown): boolean {
  const { reason } = toCliError(error)
  return reason === 'denied' || reason === 'unreachable'
}

function interruptedFile({ name }: SourceFile, error: unknown): unknown {
  return error instanceof CliError && error.reason === 'interrupted'
    ? new CliError('interrupted', `${name}: ${error.message}`)
    : error
}

/** One error for several workers: an interruption names each file that was in progress. */
function reasonForAll(reasons: readonly unknown[]): unknown {
  const interruptions = reasons.filter((one) => one instanceof CliError && one.reason === 'interrupted')
  if (interruptions.length < reasons.length || reasons.length === 1) return reasons[0]
  return new CliError('interrupted', interruptions.map((one) => (one as CliError).message).join('\n       '))
}

/** @throws CliError `usage` when a file is given twice. */
function requireNamedOnce(paths: readonly string[], cwd: string): void {
  const seen: string[] = []
  for (const path of paths) {
    const absolute = resolve(cwd, path)
    if (seen.some((one) => one === absolute || isSameFile(one, absolute))) {
      throw new CliError('usage', `The file ${path} is repeated.`, { remedy: 'Give each file once.' })
    }
    seen.push(absolute)
  }
}

/** @throws CliError `usage` when the results of two files would have the same path. */
function requireDistinctResults(jobs: readonly FileJob[], work: ProcessPlan): void {
  const owners = new Map<string, string>()
  for (const job of jobs) {
    const { source } = job
    for (const path of listResultPaths(job, work)) {
      const owner = owners.get(path)
      if (owner !== undefined) {
        throw new CliError(
          'usage',
          `The results of ${owner} and ${source.path ?? source.name} would have the same path.`,
          {
            field: '--output',
            remedy:
              "Give a folder (-o results/) or a pattern with {stem} (-o 'results/{stem}.{ext}'), and process files of the same name separately.",
          },
        )
      }
      owners.set(path, source.path ?? source.name)
    }
  }
}

/** @throws CliError `usage` when a result of one file would overwrite another one. */
function requireSourcesKept(jobs: readonly FileJob[], work: ProcessPlan): void {
  const sources = new Set(jobs.flatMap(({ source: { path } }) => path ?? []))
  for (const job of jobs) {
    const overwritten = listResultPaths(job, work).find((path) => sources.has(path))
    if (overwritten === undefined) continue
    throw new CliError(
      'usage',
      `The result of ${job.source.name} would overwrite the source ${overwritten}.`,
      {
        field: '--output',
        remedy: 'Give another folder, or add --force to overwrite the sources.',
      },
    )
  }
}

function sentenceOf(error: unknown): string {
  const { message, remedy } = toCliError(error)
  return remedy === undefined ? message : `${message} ${remedy}`
}

function errorValue(error: unknown) {
  const { reason, message, field, remedy, requestId } = toCliError(error)
  return { error: { code: exitCodes[reason], reason, message, field, remedy, requestId } }
}
