import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
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
 * @throws CliError `usage` when a file cannot be read or is not a PEM file of its kind, when a certificate is given without
 * its key, or when the key belongs to another certificate.
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
  const pem = { ca: read(ca, '--ca', cwd), cert: read(cert, '--cert', cwd), key: read(key, '--key', cwd) }
  if (ca !== undefined && pem.ca !== undefined) firstCertificateOf(pem.ca, ca, '--ca')
  if (cert === undefined || key === undefined || pem.cert === undefined || pem.key === undefined) return pem
  const own = firstCertificateOf(pem.cert, cert, '--cert')
  if (!own.checkPrivateKey(privateKeyOf(pem.key, key))) {
    throw new CliError('usage', `The key ${key} does not belong to ${cert}.`, {
      field: '--key',
      remedy: 'Give the key of that certificate. ./pixelflow certs creates both.',
    })
  }
  return pem
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

function firstCertificateOf(pem: string, path: string, field: string): X509Certificate {
  const [block] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(pem) ?? []
  if (block === undefined) {
    throw new CliError('usage', `${path} contains no certificate.`, { field, remedy: 'Give a PEM file.' })
  }
  try {
    return new X509Certificate(block)
  } catch (cause) {
    throw new CliError('usage', `${path} contains a damaged certificate.`, {
      field,
      remedy: 'Give the PEM file as it was issued.',
      cause,
    })
  }
}

function privateKeyOf(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    const kind = pem.includes('ENCRYPTED') ? 'a key that needs a passphrase' : 'no private key'
    throw new CliError('usage', `${path} contains ${kind}.`, {
      field: '--key',
      remedy: 'Give the key in PEM, without a passphrase.',
      cause,
    })
  }
}
