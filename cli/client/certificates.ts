import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CliError } from '../cli-error.ts'

/** Where the certificates of a client lie; paths relative to the caller's folder. */
export interface CertificateFiles {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** What they hold, in PEM. */
export type Certificates = CertificateFiles

/**
 * Reads them; undefined when none is named.
 * @throws CliError `usage` when one cannot be read, or a certificate comes without its key.
 */
export function readCertificates(files: CertificateFiles, cwd: string): Certificates | undefined {
  const { ca, cert, key } = files
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  if ((cert === undefined) !== (key === undefined)) {
    throw new CliError(
      'usage',
      `There is a ${cert ? 'certificate without its key' : 'key without its certificate'}.`,
      {
        field: cert ? '--key' : '--cert',
        remedy: 'Name both: --cert client.crt --key client.key; ./pixelflow certs makes them.',
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
      remedy: 'Name a PEM file that you may read.',
      cause: error,
    })
  }
}
