import { statSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import {
  PixelflowError,
  type Client,
  type TaskResult,
  type TunePreview,
  type Tuning,
} from '@pixelflow/client'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { CliError } from '../cli-error.ts'
import type { Reporter } from '../terminal/reporter.ts'
import { formatDuration } from '@pixelflow/core/format-duration'
import { saveToFile } from './download-bytes.ts'
import type { SourceFile } from './source-file.ts'
import { readSteps, replaceStep } from './steps.ts'
import { uploadContent, followTask, uploadOptions } from './run-task.ts'

export interface TuneRequest {
  readonly recipe: Recipe
  /** Steps to change one after the other, separated by commas; `-` reads one per line from standard input. */
  readonly changes: string
  /** Where each preview is written. */
  readonly preview: string
  /** Adds the format of the result, whatever the changes. */
  readonly finish: (recipe: Recipe) => Recipe
}

/**
 * Uploads an image and tunes its recipe: writes a preview file after each change, and finally applies the recipe to the
 * complete image.
 * @throws CliError `usage` when a change is invalid; an invalid change from standard input is reported and ignored.
 */
export async function tuneImage(
  server: Client,
  source: SourceFile,
  { recipe: first, changes, preview, finish }: TuneRequest,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<TaskResult> {
  const format = formatOfPath(preview)
  const { id: image } = await server.upload(uploadContent(source), uploadOptions(source, reporter))
  const open = (recipe: Recipe) => server.tune({ image, recipe: finish(recipe), preview: { format }, signal })
  await using session = createPreviewSession(open, finish, signal)
  const show = async (recipe: Recipe, change: string) => {
    const began = performance.now()
    const one = await session.preview(recipe)
    await saveToFile(preview, chunk(one))
    const { file: _, ...about } = one
    const tookMs = Math.round(performance.now() - began)
    reporter.step(
      { ...about, change, path: preview, tookMs },
      `${change}: preview ${preview} after ${formatDuration(tookMs)}`,
    )
  }

  let recipe = first
  await show(recipe, 'no change')
  for await (const { text, isTyped } of changesIn(changes, signal)) {
    try {
      const next = readSteps(text, '--tune').reduce((done, step) => replaceStep(done, step, '--tune'), recipe)
      await show(next, text)
      recipe = next
    } catch (error) {
      const isRefusal = error instanceof CliError || error instanceof PixelflowError
      if (!isTyped || signal.aborted || !isRefusal) throw error
      reporter.note(`${error.message}${error.remedy === undefined ? '' : ` ${error.remedy}`}`)
    }
  }
  const { id } = await session.apply(recipe)
  return followTask(server, id, reporter, { signal, onAbort: 'cancel' })
}

/** A session that is reopened when its connection has ended: a user may pause for longer than a connection lasts. */
function createPreviewSession(
  open: (recipe: Recipe) => Promise<Tuning>,
  finish: (recipe: Recipe) => Recipe,
  signal: AbortSignal,
) {
  let current: Tuning | undefined
  /** The session, and whether this call opened it. */
  const session = async (recipe: Recipe) => {
    if (current?.isOpen === true) return { tuning: current, isNew: false }
    await current?.[Symbol.asyncDispose]()
    current = await open(recipe)
    return { tuning: current, isNew: true }
  }
  /** Repeats the work in a new session if the old one has ended. */
  const retryInNewSession = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || current === undefined || current.isOpen) throw error
      return await work()
    }
  }
  return {
    preview: (recipe: Recipe) =>
      retryInNewSession(async () => {
        const { tuning, isNew } = await session(recipe)
        return tuning.preview(isNew ? 0 : tuning.change({ recipe: finish(recipe) }))
      }),
    apply: (recipe: Recipe) => retryInNewSession(async () => (await session(recipe)).tuning.apply()),
    async [Symbol.asyncDispose]() {
      await current?.[Symbol.asyncDispose]()
    },
  }
}

async function* chunk({ file }: TunePreview): AsyncGenerator<Uint8Array> {
  yield file
}

async function* changesIn(
  changes: string,
  signal: AbortSignal,
): AsyncGenerator<{ text: string; isTyped: boolean }> {
  if (changes !== '-') {
    for (const text of changes.split(',')) yield { text, isTyped: false }
    return
  }
  const lines = createInterface({ input: process.stdin })
  signal.addEventListener('abort', () => lines.close(), { once: true })
  for await (const line of lines) {
    const text = line.trim()
    if (text !== '') yield { text, isTyped: true }
  }
}

/**
 * Absolute path of the preview file; by default in the current folder, named after the source.
 * @throws CliError `usage` when it cannot be written there.
 */
export function previewPath(given: string | undefined, source: SourceFile, cwd: string): string {
  const path = resolve(cwd, given ?? `${basename(source.name, extname(source.name))}.preview.webp`)
  formatOfPath(path)
  const problem = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    ? `${path} is a folder.`
    : statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()
      ? undefined
      : `The folder ${dirname(path)} does not exist.`
  if (problem === undefined) return path
  throw new CliError('usage', problem, { field: '--preview', remedy: 'Give a file in an existing folder.' })
}

function formatOfPath(path: string): 'jpeg' | 'webp' {
  const extension = extname(path).toLowerCase()
  if (extension === '.webp') return 'webp'
  if (extension === '.jpg' || extension === '.jpeg') return 'jpeg'
  throw new CliError('usage', `Previews cannot be written as ${extension || 'a file without extension'}.`, {
    field: '--preview',
    remedy: 'Use .webp, .jpg or .jpeg.',
  })
}
