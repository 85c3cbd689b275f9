import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CliError } from '../cli-error.ts'

/** Paths of the certificates of a client, relative to the current folder. */
export interface CertificateFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** The content of the files, in PEM. */
export type Certificates = CertificateFiles

/**
 * Reads the files; undefined when none is given.
 * @throws CliError `usage` when a file cannot be read, or a certificate is given without its key.
 */
export function readCertificates(files: CertificateFiles, cwd: string): Certificates | undefined {
  const { ca, cert, key } = files
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  if ((cert === undefined) !== (key === undefined)) {
    throw new CliError(
      'usage',
      `A client ${cert ? 'certificate was given without its key' : 'key was given without its certificate'}.`,
      {
        field: cert ? '--key' : '--cert',
        remedy: 'Give both: --cert client.crt --key client.key. ./pixelflow certs creates them.',
      },
    )
  }
  return { ca: read(ca, '--ca', cwd), cert: read(cert, '--cert', cwd), key: read(key, '--key', cwd) }
}

function read(path: string | undefined, field: string, cwd: string): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(resolve(cwd, path), 'utf8')
  } catch (error) {
    throw new CliError('usage', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      field,
      remedy: 'Give a PEM file that you can read.',
      cause: error,
    })
  }
}
