import { realpathSync, statSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import { formatOf, formats, isWritable, type FormatId, type WritableFormatId } from '@pixelflow/core/format'
import { CliError } from '../cli-error.ts'
import { requireWritableFolder } from './require-writable-folder.ts'

/** The properties of an output that its file name depends on. */
interface NamedOutput {
  readonly name: string
  readonly format: FormatId
}

/** Where the outputs of a task go. */
export interface OutputTarget {
  /** Whether the image goes to standard output. */
  readonly isStdout: boolean
  /** The format of the file extension; undefined when it states none. */
  readonly format: WritableFormatId | undefined
  /**
   * Absolute path of the file of an output.
   * @throws CliError `usage` when that file is the source.
   */
  pathOf(output: NamedOutput): string
  /**
   * Creates the folder and checks that a file can be written there.
   * @throws CliError `usage` when it cannot.
   */
  prepare(): Promise<void>
}

export interface OutputTargetOptions {
  /** Default name of the results, without folder and extension. */
  readonly stem: string
  /** The file that must not be overwritten without `force`; null when there is none. */
  readonly sourcePath: string | null
  /** Names of the outputs. */
  readonly names: readonly string[]
  readonly cwd: string
  readonly force: boolean
  /** False when the bytes are stored unchanged, whatever the extension. */
  readonly extensionChoosesFormat: boolean
}

/** The placeholders of a pattern. */
const placeholders = ['stem', 'name', 'ext'] as const

/**
 * Parses `-o`: a file, a folder (existing, or with a slash at the end), a pattern with `{stem}`, `{name}` and `{ext}`, or `-`
 * for standard output. Without it, the results go to the current folder, named after the source.
 *
 * @throws CliError `usage` when several outputs would go to one file, a folder is missing, a placeholder is unknown, results
 *   cannot have the extension, or the source would be overwritten.
 */
export function parseOutputTarget(argument: string | undefined, options: OutputTargetOptions): OutputTarget {
  const { stem, sourcePath, names, cwd, force, extensionChoosesFormat } = options
  const hasSeveral = names.length > 1
  const guarded = (path: string) => {
    if (force || sourcePath === null || !isSameFile(path, sourcePath)) return path
    throw new CliError('usage', `${path} is the source itself.`, {
      field: '--output',
      remedy: 'Choose another file, or add --force to overwrite the source.',
    })
  }
  const target = (pathOf: OutputTarget['pathOf'], folder?: string): OutputTarget => ({
    isStdout: false,
    format: undefined,
    pathOf: (output) => guarded(pathOf(output)),
    prepare: () => (folder === undefined ? Promise.resolve() : requireWritableFolder(folder, '--output')),
  })
  const inFolder = (folder: string, suffix: string) =>
    target(
      ({ name, format: id }) => join(folder, `${stem}${hasSeveral ? `.${name}` : suffix}.${extension(id)}`),
      folder,
    )

  if (argument === undefined) return inFolder(cwd, extensionChoosesFormat ? '.out' : '')
  if (argument === '-') {
    if (hasSeveral) throw severalOutputsError('standard output', names)
    return { ...target(() => '-'), isStdout: true }
  }
  const path = resolve(cwd, argument)
  const statedFormat = () => (extensionChoosesFormat ? formatOfPath(argument) : undefined)
  if (requireKnownPlaceholders(argument)) {
    if (hasSeveral && !argument.includes('{name}')) throw severalOutputsError(argument, names)
    const fill = ({ name, format: id }: NamedOutput) =>
      path.replaceAll('{stem}', stem).replaceAll('{name}', name).replaceAll('{ext}', extension(id))
    return { ...target(fill, dirname(`${path.slice(0, path.indexOf('{'))}x`)), format: statedFormat() }
  }
  if (argument.endsWith('/') || isFolder(path)) return inFolder(path, '')
  if (hasSeveral) throw severalOutputsError(argument, names)
  if (!isFolder(dirname(path))) {
    throw new CliError('usage', `The folder ${dirname(path)} does not exist.`, {
      field: '--output',
      remedy: 'Create it first, or give a folder with a slash at the end, which is created automatically.',
    })
  }
  guarded(path)
  // Pipes and devices are written directly.
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
  return { ...target(() => path, isFile ? dirname(path) : undefined), format: statedFormat() }
}

/**
 * Whether an argument is a pattern.
 * @throws CliError `usage` for a placeholder that does not exist.
 */
function requireKnownPlaceholders(argument: string): boolean {
  const found = [...argument.matchAll(/\{([^{}/]*)\}/g)].map(([, name = '']) => name)
  const unknown = found.find((name) => !placeholders.some((one) => one === name))
  if (unknown === undefined) return found.length > 0
  throw new CliError(
    'usage',
    `Unknown placeholder {${unknown}}. The placeholders are ${placeholders.map((one) => `{${one}}`).join(', ')}.`,
    {
      field: '--output',
      remedy: "Write a pattern such as -o 'results/{stem}-{name}.{ext}'.",
    },
  )
}

/** The format that the extension of a file states; undefined without an extension, or if it is a placeholder. */
function formatOfPath(path: string): WritableFormatId | undefined {
  const suffix = extname(path).slice(1).toLowerCase()
  if (suffix === '' || suffix.includes('{')) return undefined
  const found = formatWithExtension(suffix)
  if (found && isWritable(found)) return found
  const extensions = formats.flatMap((one) => (isWritable(one.id) ? [...one.extensions] : []))
  throw new CliError('usage', `Results cannot be written as .${suffix}.`, {
    field: '--output',
    remedy: `Use one of these extensions: ${extensions.map((one) => `.${one}`).join(', ')}.`,
  })
}

/**
 * A sentence about a file whose extension does not match its content; undefined when they match, or there is no extension.
 */
export function describeMismatch(path: string, written: FormatId): string | undefined {
  const suffix = extname(path).slice(1).toLowerCase()
  const found = formatWithExtension(suffix)
  if (suffix === '' || found === written) return undefined
  return found === undefined
    ? `.${suffix} is not a known extension; the file contains ${written}`
    : `the file contains ${written}`
}

function formatWithExtension(suffix: string): FormatId | undefined {
  return formats.find((one) => (one.extensions as readonly string[]).includes(suffix))?.id
}

function extension(id: FormatId): string {
  return formatOf(id).extensions[0] ?? id
}

function severalOutputsError(where: string, names: readonly string[]): CliError {
  return new CliError(
    'usage',
    `The recipe has ${names.length} outputs (${names.join(', ')}), but ${where} can have only one.`,
    {
      field: '--output',
      remedy: "Give a folder (-o results/) or a pattern (-o '{stem}-{name}.{ext}').",
    },
  )
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Whether two paths refer to the same file. */
export function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b)
  } catch {
    return false
  }
}
