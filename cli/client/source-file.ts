import { open } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { formatOf, formats, sniffFormat, sniffBytes } from '@pixelflow/core/format'
import { isGzip } from '@pixelflow/core/svg'
import { CliError } from '../cli-error.ts'

/** An image to upload: a file or standard input. */
export interface SourceFile {
  /** File name without folder; `stdin` for standard input. */
  readonly name: string
  /** Absolute path; null for standard input. */
  readonly path: string | null
  /** Size in bytes; null when unknown. */
  readonly bytes: number | null
  readonly mediaType: string
  stream(): AsyncIterable<Uint8Array>
}

const unknown = 'application/octet-stream'

/**
 * Opens a file argument; `-` is standard input.
 *
 * @throws CliError `usage` when the file does not exist, cannot be read, is empty, or is not an image.
 */
export async function openSourceFile(argument: string, cwd: string): Promise<SourceFile> {
  if (argument === '-') {
    return { name: 'stdin', path: null, bytes: null, mediaType: unknown, stream: () => Bun.stdin.stream() }
  }
  const path = resolve(cwd, argument)
  try {
    await using file = await open(path)
    const stat = await file.stat()
    if (stat.isDirectory()) {
      throw new CliError('usage', `${argument} is a folder, not an image.`, {
        remedy: `Give the files in it, for example ${argument.replace(/\/$/, '')}/*.jpg.`,
      })
    }
    const head = Buffer.alloc(sniffBytes)
    const { bytesRead } = stat.isFile() ? await file.read(head, 0, sniffBytes, 0) : { bytesRead: 0 }
    if (stat.isFile() && stat.size === 0) {
      throw new CliError('usage', `${argument} is empty.`, {
        remedy: 'Give an image file. This one may not have been written completely.',
      })
    }
    const id = sniffFormat(head.subarray(0, bytesRead))
    if (stat.isFile() && !id) {
      throw new CliError('usage', `${argument} is not an image of a known format.`, {
        remedy: isGzip(head)
          ? 'Decompress it first, for example with gunzip.'
          : `Give a file in one of these formats: ${formats.map((one) => one.id).join(', ')}. The content decides, not the file name.`,
      })
    }
    return {
      name: basename(path),
      path,
      bytes: stat.isFile() ? stat.size : null,
      mediaType: id ? formatOf(id).mediaType : unknown,
      stream: () => Bun.file(path).stream(),
    }
  } catch (error) {
    if (error instanceof CliError) throw error
    const { code } = error as NodeJS.ErrnoException
    const problem = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new CliError('usage', `The file ${argument} ${problem}.`, {
      remedy:
        code === 'ENOENT'
          ? 'Check the spelling. Paths are relative to the current folder.'
          : 'Give a file that you can read.',
      cause: error,
    })
  }
}
