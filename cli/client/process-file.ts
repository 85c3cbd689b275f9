import { mkdir } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import type { Client, TaskResult } from '@pixelflow/client'
import type { OutputView, TaskView } from '@pixelflow/core/views'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { formatDuration } from '@pixelflow/core/format-duration'
import { formatChange } from '../terminal/format-change.ts'
import type { Reporter } from '../terminal/reporter.ts'
import type { Style } from '../terminal/style.ts'
import { downloadBytes, saveToFile, saveToStdout } from './download-bytes.ts'
import type { SourceFile } from './source-file.ts'
import { describeMismatch, type OutputTarget } from './output-target.ts'

/** An image to process, and where its results go. */
export interface FileJob {
  readonly source: SourceFile
  readonly target: OutputTarget
}

/** The ended task of an image, and the files of its results. */
export interface FileResult {
  readonly task: TaskView
  readonly files: readonly { readonly output: OutputView; readonly path: string }[]
}

/**
 * Processes an image and writes its results.
 * @param work uploads the image and follows its task to the end
 * @throws what `work` throws; CliError `failed` when a result cannot be written.
 */
export async function processFile(
  server: Client,
  target: OutputTarget,
  work: () => Promise<TaskResult>,
  { note, cwd }: { note: Reporter['note']; cwd: string },
): Promise<FileResult> {
  const { task } = await work()
  const files: { output: OutputView; path: string }[] = []
  for (const output of task.outputs) {
    const bytes = downloadBytes(server, { task: task.id, output: output.name })
    const path = target.pathOf(output)
    if (target.isStdout) await saveToStdout(bytes)
    else {
      // A pattern may name a folder for each output.
      await mkdir(dirname(path), { recursive: true })
      await saveToFile(path, bytes)
    }
    files.push({ output, path })
    const mismatch = describeMismatch(path, output.format)
    if (mismatch !== undefined)
      note(
        `${shortenPath(path, cwd)}: ${mismatch}${target.format === undefined ? '' : ', as the recipe says'}`,
      )
  }
  return { task, files: target.isStdout ? [] : files }
}

/** The JSON value of a result. */
export function toResultValue({ task, files }: FileResult) {
  return { task, files: files.map(({ output, path }) => ({ name: output.name, path })) }
}

/** A line for each output: its path, format and size, compared with the source. */
export function formatResult(
  { task, files }: FileResult,
  { source, target }: FileJob,
  { tookMs, style, cwd }: { tookMs: number; style: Style; cwd: string },
): string[] {
  const where = (output: OutputView) => files.find((one) => one.output === output)?.path
  return task.outputs.map((output) => {
    const path = where(output)
    const name = target.isStdout || path === undefined ? 'standard output' : shortenPath(path, cwd)
    return formatOutput(output, name, source.bytes, tookMs, style)
  })
}

/** One line about an output. */
function formatOutput(
  { format, width, height, bytes }: OutputView,
  where: string,
  sourceBytes: number | null,
  tookMs: number,
  style: Style,
): string {
  const compared = sourceBytes === null ? '' : ` (${formatChange(sourceBytes, bytes)})`
  return `${style.green('✓')} ${style.bold(where)}  ${format} ${width}×${height}  ${formatBytes(bytes)}${compared}  ${style.dim(formatDuration(tookMs))}`
}

/** The path relative to `cwd`, if the file is inside `cwd`. */
export function shortenPath(path: string, cwd: string): string {
  const near = relative(cwd, path)
  return near.startsWith('..') ? path : near
}
