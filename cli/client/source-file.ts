import { open } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { format, formats, sniffFormat, sniffBytes } from '@pixelflow/core/format'
import { isGzip } from '@pixelflow/core/svg'
import { CliError } from '../cli-error.ts'

/** A picture to send: a file, or what comes in on standard input. */
export interface SourceFile {
  /** Its name without folder; `stdin` for standard input. */
  readonly name: string
  /** Absolute path; null for standard input. */
  readonly path: string | null
  /** Size in bytes; null when it is not known before the end. */
  readonly bytes: number | null
  readonly mediaType: string
  stream(): AsyncIterable<Uint8Array>
}

const unknown = 'application/octet-stream'

/**
 * Looks at a file argument; `-` is standard input.
 *
 * @throws CliError `usage` when the file does not exist, cannot be read, or is empty.
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
      throw new CliError('usage', `${argument} is a folder, not a picture.`, {
        remedy: `Name the files in it, for example ${argument.replace(/\/$/, '')}/*.jpg.`,
      })
    }
    const head = Buffer.alloc(sniffBytes)
    const { bytesRead } = stat.isFile() ? await file.read(head, 0, sniffBytes, 0) : { bytesRead: 0 }
    if (stat.isFile() && stat.size === 0) {
      throw new CliError('usage', `${argument} is empty.`, {
        remedy: 'Name a file that holds an image; this one may not have been written completely.',
      })
    }
    const id = sniffFormat(head.subarray(0, bytesRead))
    if (stat.isFile() && !id) {
      throw new CliError('usage', `${argument} is not an image of a known format.`, {
        remedy: isGzip(head)
          ? 'Unpack it first, with gunzip for example.'
          : `Name one of ${formats.map((one) => one.id).join(', ')}; what the bytes are counts, not the name.`,
      })
    }
    return {
      name: basename(path),
      path,
      bytes: stat.isFile() ? stat.size : null,
      mediaType: id ? format(id).mediaType : unknown,
      stream: () => Bun.file(path).stream(),
    }
  } catch (error) {
    if (error instanceof CliError) throw error
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT' ? 'There is no file' : code === 'EACCES' ? 'You may not read' : 'Cannot read'
    throw new CliError('usage', `${why} ${argument}.`, {
      remedy:
        code === 'ENOENT'
          ? 'Check the spelling; paths are relative to the current folder.'
          : 'Name a file that you may read.',
      cause: error,
    })
  }
}
