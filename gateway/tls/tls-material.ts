import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { SettingProblem } from '@pixelflow/platform/config/read-settings'

/** The TLS files of the configuration. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly clientCaFile: string | undefined
}

/** The contents of the TLS files, in PEM. */
export interface TlsFileContents {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

/** Validated TLS material: certificate, key, and the authorities of client certificates. */
export interface TlsMaterial extends TlsFileContents {
  readonly subject: string
  readonly serial: string
  readonly until: Date
}

/** Timeout of a TLS handshake. */
export const handshakeMs = 10_000

/** Ciphers of TLS 1.2: forward secrecy and authenticated encryption only, as HTTP/2 requires. TLS 1.3 has no others. */
const ciphers = ['ECDSA', 'RSA']
  .flatMap((key) =>
    ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((one) => `ECDHE-${key}-${one}`),
  )
  .join(':')

/** The TLS options of both ports. */
export function secureContextOptions({ cert, key, ca }: TlsFileContents): SecureContextOptions {
  return { cert, key, ...(ca === undefined ? {} : { ca }), ciphers, minVersion: 'TLSv1.2' }
}

/** The settings of the files. */
const tlsVariables = {
  cert: 'PIXELFLOW_TLS_CERT_FILE',
  key: 'PIXELFLOW_TLS_KEY_FILE',
  ca: 'PIXELFLOW_TLS_CLIENT_CA_FILE',
} as const

/** One of the TLS files is invalid. */
export class TlsFileError extends Error implements SettingProblem {
  override readonly name = 'TlsFileError'
  readonly variable: string
  readonly problem: string
  readonly remedy: string

  constructor(
    which: keyof typeof tlsVariables,
    file: string,
    problem: string,
    remedy: string,
    cause?: unknown,
  ) {
    super(`${tlsVariables[which]}=${JSON.stringify(file)} ${problem}. ${remedy}`, { cause })
    this.variable = `${tlsVariables[which]}=${JSON.stringify(file)}`
    this.problem = problem
    this.remedy = remedy
  }
}

/** @throws TlsFileError when the files cannot be used now: damaged, not matching, expired, or not valid yet. */
export function parseTlsMaterial(files: TlsFiles, contents: TlsFileContents, now = new Date()): TlsMaterial {
  const { certFile, keyFile, clientCaFile } = files
  const invalid = (problem: string, remedy: string, cause?: unknown) =>
    new TlsFileError('cert', certFile, problem, remedy, cause)
  const [leaf] = certificatesIn(contents.cert, 'cert', certFile)
  if (!leaf) {
    throw invalid('holds no certificate', 'Give a file with the certificate in PEM, followed by its chain.')
  }
  const invalidity = invalidityOf(leaf, now)
  if (invalidity)
    throw invalid(`holds a certificate that ${invalidity}`, 'Replace the certificate and its key.')
  if (leaf.keyUsage && !leaf.keyUsage.some((use) => serverKeyUsages.includes(use))) {
    throw invalid(
      'holds a certificate that is not for servers',
      'Give a certificate for server authentication.',
    )
  }
  if (!leaf.checkPrivateKey(keyOf(contents.key, keyFile))) {
    throw new TlsFileError(
      'key',
      keyFile,
      'is not the key of the certificate',
      `Give the key that belongs to ${tlsVariables.cert}=${certFile}.`,
    )
  }
  if (contents.ca !== undefined && clientCaFile !== undefined)
    requireAuthorities(contents.ca, clientCaFile, now)
  try {
    createSecureContext(secureContextOptions(contents))
  } catch (cause) {
    throw invalid(`cannot be used (${(cause as Error).message})`, 'Give an ECDSA or RSA certificate.', cause)
  }
  return { ...contents, subject: leaf.subject, serial: leaf.serialNumber, until: new Date(leaf.validTo) }
}

/** Extended key usages of server certificates: server authentication, and any. */
const serverKeyUsages = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']

function requireAuthorities(text: string, file: string, now: Date): void {
  const remedy = 'Give the PEM certificates of the authorities that sign the client certificates.'
  const invalid = (problem: string) => new TlsFileError('ca', file, problem, remedy)
  const all = certificatesIn(text, 'ca', file)
  if (all.length === 0) throw invalid('holds no certificate')
  const notAuthority = all.find((one) => !one.ca)
  if (notAuthority) throw invalid(`holds a certificate that is not of an authority (${notAuthority.subject})`)
  const [first] = all
  // An expired authority may be listed beside its successor.
  if (first && all.every((one) => invalidityOf(one, now))) {
    throw invalid(`holds no authority that is valid now: ${first.subject} ${invalidityOf(first, now)}`)
  }
}

function certificatesIn(text: string, which: 'cert' | 'ca', file: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block, i) => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      const problem = `holds a damaged certificate (number ${i + 1})`
      throw new TlsFileError(which, file, problem, 'Give the PEM file as it was issued.', cause)
    }
  })
}

function keyOf(text: string, file: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    const problem = text.includes('ENCRYPTED')
      ? 'holds a key that needs a passphrase'
      : 'holds no readable private key'
    throw new TlsFileError('key', file, problem, 'Give the key in PEM, without a passphrase.', cause)
  }
}

function invalidityOf({ validFrom, validTo }: X509Certificate, now: Date): string | undefined {
  if (new Date(validTo) <= now) return `expired on ${new Date(validTo).toISOString()}`
  if (new Date(validFrom) > now) return `is not valid before ${new Date(validFrom).toISOString()}`
  return undefined
}
