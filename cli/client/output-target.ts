import { realpathSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { format, formats, isWritable, type FormatId, type WritableFormatId } from '@pixelflow/core/format'
import { CliError } from '../cli-error.ts'

/** An output, as far as its file name depends on it. */
interface NamedOutput {
  readonly name: string
  readonly format: FormatId
}

/** Where the outputs of a task go. */
export interface OutputTarget {
  /** True when the image goes to standard output. */
  readonly isStdout: boolean
  /** The format that the file name asks for; undefined when it asks for none. */
  readonly format: WritableFormatId | undefined
  /**
   * Absolute path of one output's file.
   * @throws CliError `usage` when that file is the source.
   */
  pathOf(output: NamedOutput): string
  /**
   * Creates the requested folder and checks that a file can be written there.
   * @throws CliError `usage` when it cannot.
   */
  prepare(): Promise<void>
}

export interface OutputTargetOptions {
  /** Name of the results where the argument gives none, without folder and extension. */
  readonly stem: string
  /** The file that must not be overwritten without `force`; null when there is none. */
  readonly sourcePath: string | null
  /** Names of the outputs. */
  readonly names: readonly string[]
  readonly cwd: string
  readonly force: boolean
  /** False when the bytes are stored as they are, whatever the extension. */
  readonly extensionChoosesFormat: boolean
}

/** The placeholders of a pattern. */
const placeholders = ['stem', 'name', 'ext'] as const

/**
 * Parses `-o`: a file, a folder (an existing one, or named with a slash at the end), a pattern with `{stem}`, `{name}`
 * and `{ext}`, or `-` for standard output. Without it, the results go to the current folder, named after the source.
 *
 * @throws CliError `usage`, before anything is sent, when several outputs would go to one file, a folder is missing, a
 *   placeholder is unknown, results cannot have the extension, or the source itself would be overwritten.
 */
export function parseOutputTarget(argument: string | undefined, options: OutputTargetOptions): OutputTarget {
  const { stem, sourcePath, names, cwd, force, extensionChoosesFormat } = options
  const several = names.length > 1
  const guarded = (path: string) => {
    if (force || sourcePath === null || !isSameFile(path, sourcePath)) return path
    throw new CliError('usage', `${path} is the source itself.`, {
      field: '--output',
      remedy: 'Name another file, or add --force to overwrite the source.',
    })
  }
  const target = (pathOf: OutputTarget['pathOf'], folder?: string): OutputTarget => ({
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

  if (argument === undefined) return inFolder(cwd, extensionChoosesFormat ? '.out' : '')
  if (argument === '-') {
    if (several) throw severalTo('standard output', names)
    return { ...target(() => '-'), isStdout: true }
  }
  const path = resolve(cwd, argument)
  const asked = extensionChoosesFormat ? formatOf(argument) : undefined
  if (requireKnownPlaceholders(argument)) {
    if (several && !argument.includes('{name}')) throw severalTo(argument, names)
    const fill = ({ name, format: id }: NamedOutput) =>
      path.replaceAll('{stem}', stem).replaceAll('{name}', name).replaceAll('{ext}', extension(id))
    return { ...target(fill, dirname(`${path.slice(0, path.indexOf('{'))}x`)), format: asked }
  }
  if (argument.endsWith('/') || isFolder(path)) return inFolder(path, '')
  if (several) throw severalTo(argument, names)
  if (!isFolder(dirname(path))) {
    throw new CliError('usage', `There is no folder ${dirname(path)}.`, {
      field: '--output',
      remedy:
        'Create it first, or name a folder of results with a slash at its end, which is created for you.',
    })
  }
  guarded(path)
  // Pipes and devices are written to as they are.
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
  return { ...target(() => path, isFile ? dirname(path) : undefined), format: asked }
}

/**
 * Whether an argument is a pattern.
 * @throws CliError `usage` for a placeholder that does not exist.
 */
function requireKnownPlaceholders(argument: string): boolean {
  const found = [...argument.matchAll(/\{([^{}/]*)\}/g)].map(([, name = '']) => name)
  const unknown = found.find((name) => !placeholders.some((one) => one === name))
  if (unknown === undefined) return found.length > 0
  throw new CliError('usage', `There is no placeholder {${unknown}}; known: ${placeholders.join(', ')}.`, {
    field: '--output',
    remedy: "Write a pattern such as -o 'results/{stem}-{name}.{ext}'.",
  })
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
    throw new CliError('usage', `No file can be written in ${folder} (${code}).`, {
      field: '--output',
      remedy: 'Name a folder that you may write to.',
      cause: error,
    })
  }
}

/** Extensions of image files that are neither read nor written here; any other unknown extension asks for no format. */
const unwritable = /^(?:bmp|heic|heif|jxl|jp2|ico|svg|psd|tga)$/

/** The writable format that a file name's extension stands for. */
function formatOf(path: string): WritableFormatId | undefined {
  const suffix = extname(path).slice(1).toLowerCase()
  const found = formatWithExtension(suffix)
  if (found && isWritable(found)) return found
  if (!found && !unwritable.test(suffix)) return undefined
  const extensions = formats.flatMap((one) => (isWritable(one.id) ? [...one.extensions] : []))
  throw new CliError('usage', `Results cannot be written as .${suffix}.`, {
    field: '--output',
    remedy: `Choose one of these extensions: ${extensions.map((one) => `.${one}`).join(', ')}.`,
  })
}

/**
 * The mismatch between the extension of a file and its content, as a sentence; undefined when they agree, or the name
 * has no extension.
 */
export function mismatchOf(path: string, written: FormatId): string | undefined {
  const suffix = extname(path).slice(1).toLowerCase()
  const found = formatWithExtension(suffix)
  if (suffix === '' || found === written) return undefined
  return found === undefined
    ? `.${suffix} names no format; the file holds ${written}`
    : `the file holds ${written}`
}

function formatWithExtension(suffix: string): FormatId | undefined {
  return formats.find((one) => (one.extensions as readonly string[]).includes(suffix))?.id
}

function extension(id: FormatId): string {
  return format(id).extensions[0] ?? id
}

function severalTo(where: string, names: readonly string[]): CliError {
  return new CliError(
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

/** Whether two paths lead to one file. */
export function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b)
  } catch {
    return false
  }
}
