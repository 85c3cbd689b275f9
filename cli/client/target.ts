import { realpathSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import type { TaskView } from '@pixelflow/core/api'
import { format, formats, type WritableFormatId, isWritable } from '@pixelflow/core/format'
import { Exit } from '../exit.ts'
import type { Source } from './source.ts'

type Output = Pick<TaskView['outputs'][number], 'name' | 'format'>

/** Where the outputs of a task go. */
export interface Target {
  /** True when the picture goes to standard output. */
  readonly isStdout: boolean
  /** The format that the file name asks for; undefined when it asks for none. */
  readonly format: WritableFormatId | undefined
  /** Absolute path of one output's file. */
  pathOf(output: Output): string
  /**
   * Makes the folder where one was asked for, and finds out that a file can be written there.
   * @throws Exit `usage` when it cannot.
   */
  prepare(): Promise<void>
}

/**
 * Understands `-o`: a file, a folder (there already, or named with a slash at the end), a pattern with `{stem}`,
 * `{name}` and `{ext}`, or `-` for standard output. Without it, the results stand in the caller's folder and are named
 * after the source.
 *
 * @throws Exit `usage`, before anything is sent, when several outputs would go to one file, a folder is missing, or
 *   the source itself would be overwritten.
 */
export function readTarget(
  argument: string | undefined,
  { source, names, cwd, force }: { source: Source; names: readonly string[]; cwd: string; force: boolean },
): Target {
  const stem = basename(source.name, extname(source.name))
  const several = names.length > 1
  const isSource = (path: string) => source.path !== null && sameFile(path, source.path)
  const guarded = (path: string) => {
    if (force || !isSource(path)) return path
    throw new Exit('usage', `${path} is the source itself.`, {
      field: '--output',
      remedy: 'Name another file, or add --force to overwrite the source.',
    })
  }
  const target = (pathOf: Target['pathOf'], folder?: string): Target => ({
    isStdout: false,
    format: undefined,
    pathOf: (output) => guarded(pathOf(output)),
    prepare: () => (folder === undefined ? Promise.resolve() : requireWritable(folder)),
  })
  const inFolder = (folder: string, suffix: string) =>
    target(
      ({ name, format: id }) => join(folder, `${stem}${several ? `.${name}` : suffix}.${extension(id)}`),
      folder,
    )

  if (argument === undefined) return inFolder(cwd, '.out')
  if (argument === '-') {
    if (several) throw severalTo('standard output', names)
    return { ...target(() => '-'), isStdout: true }
  }
  const path = resolve(cwd, argument)
  if (/\{(stem|name|ext)\}/.test(argument)) {
    const fill = ({ name, format: id }: Output) =>
      path.replaceAll('{stem}', stem).replaceAll('{name}', name).replaceAll('{ext}', extension(id))
    if (several && !argument.includes('{name}')) throw severalTo(argument, names)
    return target(fill, dirname(`${path.slice(0, path.indexOf('{'))}x`))
  }
  if (argument.endsWith('/') || isFolder(path)) return inFolder(path, '')
  if (several) throw severalTo(argument, names)
  if (!isFolder(dirname(path))) {
    throw new Exit('usage', `There is no folder ${dirname(path)}.`, {
      field: '--output',
      remedy: 'Make it first, or name a folder of results with a slash at its end, which is made for you.',
    })
  }
  guarded(path)
  // Pipes and devices are written to as they are.
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
  return { ...target(() => path, isFile ? dirname(path) : undefined), format: formatOf(path) }
}

/** Results are written under another name first, so what counts is whether the folder takes a new file. */
async function requireWritable(folder: string): Promise<void> {
  const probe = join(folder, `.pixelflow-${process.pid}.part`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(probe, '')
    await rm(probe, { force: true })
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new Exit('usage', `No file can be written in ${folder} (${code}).`, {
      field: '--output',
      remedy: 'Name a folder that you may write to.',
      cause: error,
    })
  }
}

/** Endings of pictures that are neither read nor written here; any other unknown ending says nothing. */
const unwritable = /^(?:bmp|heic|heif|jxl|jp2|ico|svg|psd|tga)$/

/** The writable format that a file name's ending stands for. */
function formatOf(path: string): WritableFormatId | undefined {
  const ending = extname(path).slice(1).toLowerCase()
  const found = formats.find((one) => (one.extensions as readonly string[]).includes(ending))
  if (found && isWritable(found.id)) return found.id
  if (!found && !unwritable.test(ending)) return undefined
  const endings = formats.flatMap((one) => (isWritable(one.id) ? [...one.extensions] : []))
  throw new Exit('usage', `Results cannot be written as .${ending}.`, {
    field: '--output',
    remedy: `Choose one of these endings: ${endings.map((one) => `.${one}`).join(', ')}.`,
  })
}

function extension(id: WritableFormatId): string {
  return format(id).extensions[0] ?? id
}

function severalTo(where: string, names: readonly string[]): Exit {
  return new Exit(
    'usage',
    `The recipe has ${names.length} outputs (${names.join(', ')}), and ${where} holds one.`,
    {
      field: '--output',
      remedy: "Name a folder (-o results/) or a pattern (-o '{stem}-{name}.{ext}').",
    },
  )
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function sameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b)
  } catch {
    return false
  }
}
