import { mkdir } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import type { Client, Finished } from '@pixelflow/client'
import type { OutputView, TaskView } from '@pixelflow/core/api'
import { size, span } from '@pixelflow/core/amounts'
import { change } from '../terminal/change.ts'
import type { Outlet } from '../terminal/outlet.ts'
import type { Style } from '../terminal/style.ts'
import { fetchBytes, saveTo, saveToStdout } from './download.ts'
import type { Source } from './source.ts'
import { mismatchOf, type Target } from './target.ts'

/** One picture that is processed, and where its results go. */
export interface FileJob {
  readonly source: Source
  readonly target: Target
}

/** A finished picture. */
export interface FileResult {
  readonly task: TaskView
  readonly files: readonly { readonly output: OutputView; readonly path: string }[]
}

/**
 * Has one picture processed and writes its results.
 * @param work sends the picture and follows its task to the end
 * @throws what `work` throws; Exit `failed` when a result cannot be written.
 */
export async function processFile(
  server: Client,
  target: Target,
  work: () => Promise<Finished>,
  { note, cwd }: { note: Outlet['note']; cwd: string },
): Promise<FileResult> {
  const { task } = await work()
  const files: { output: OutputView; path: string }[] = []
  for (const output of task.outputs) {
    const bytes = fetchBytes(server, { task: task.id, output: output.name })
    const path = target.pathOf(output)
    if (target.isStdout) await saveToStdout(bytes)
    else {
      // A pattern may name a folder for each output.
      await mkdir(dirname(path), { recursive: true })
      await saveTo(path, bytes)
    }
    files.push({ output, path })
    const mismatch = mismatchOf(path, output.format)
    if (mismatch !== undefined)
      note(`${shortest(path, cwd)}: ${mismatch}${target.format === undefined ? '' : ', as the recipe says'}`)
  }
  return { task, files: target.isStdout ? [] : files }
}

/** What programs read of it. */
export function resultValue({ task, files }: FileResult) {
  return { task, files: files.map(({ output, path }) => ({ name: output.name, path })) }
}

/** A line for each output: where it is, what it is, how it compares with the source. */
export function resultLines(
  { task, files }: FileResult,
  { source, target }: FileJob,
  { tookMs, style, cwd }: { tookMs: number; style: Style; cwd: string },
): string[] {
  const where = (output: OutputView) => files.find((one) => one.output === output)?.path
  return task.outputs.map((output) => {
    const path = where(output)
    const name = target.isStdout || path === undefined ? 'standard output' : shortest(path, cwd)
    return resultLine(output, name, source.bytes, tookMs, style)
  })
}

/** One line about an output. */
export function resultLine(
  { format, width, height, bytes }: OutputView,
  where: string,
  sourceBytes: number | null,
  tookMs: number,
  style: Style,
): string {
  const compared = sourceBytes === null ? '' : ` (${change(sourceBytes, bytes)})`
  return `${style.green('✓')} ${style.bold(where)}  ${format} ${width}×${height}  ${size(bytes)}${compared}  ${style.dim(span(tookMs))}`
}

/** A path as people write it who are in `cwd`. */
export function shortest(path: string, cwd: string): string {
  const near = relative(cwd, path)
  return near.startsWith('..') ? path : near
}
