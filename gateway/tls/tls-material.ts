import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Problem } from '@pixelflow/platform/config/read-settings'

/** Files that TLS is made of, by the settings that name them. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly clientCaFile: string | undefined
}

/** What stands in them, in PEM. */
export interface TlsTexts {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

/** What TLS is served with: certificate, key, and the authorities that clients' certificates are held against. */
export interface TlsMaterial extends TlsTexts {
  readonly subject: string
  readonly serial: string
  readonly until: Date
}

/** How long a client may take for its handshake. */
export const handshakeMs = 10_000

/** With TLS 1.2; forward secrecy and authenticated encryption, as HTTP/2 demands. Those of TLS 1.3 are all of that kind. */
const ciphers = ['ECDSA', 'RSA']
  .flatMap((key) =>
    ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((one) => `ECDHE-${key}-${one}`),
  )
  .join(':')

/** How connections are made with certificate and key, on whichever port. */
export function secureContextOptions({ cert, key, ca }: TlsTexts): SecureContextOptions {
  return { cert, key, ...(ca === undefined ? {} : { ca }), ciphers, minVersion: 'TLSv1.2' }
}

/** Which setting names what. */
export const variables = {
  cert: 'PIXELFLOW_TLS_CERT_FILE',
  key: 'PIXELFLOW_TLS_KEY_FILE',
  ca: 'PIXELFLOW_TLS_CLIENT_CA_FILE',
} as const

/** What is wrong with one of the files. */
export class TlsFileError extends Error implements Problem {
  override readonly name = 'WrongTls'
  readonly variable: string
  readonly problem: string
  readonly remedy: string

  constructor(which: keyof typeof variables, file: string, problem: string, remedy: string, cause?: unknown) {
    super(`${variables[which]}=${JSON.stringify(file)} ${problem}. ${remedy}`, { cause })
    this.variable = `${variables[which]}=${JSON.stringify(file)}`
    this.problem = problem
    this.remedy = remedy
  }
}

/** @throws WrongTls when the files cannot be served with at this time: damaged, not belonging together, out of date. */
export function parseTlsMaterial(files: TlsFiles, texts: TlsTexts, now = new Date()): TlsMaterial {
  const { certFile, keyFile, clientCaFile } = files
  const wrong = (problem: string, remedy: string, cause?: unknown) =>
    new TlsFileError('cert', certFile, problem, remedy, cause)
  const [leaf] = certificatesIn(texts.cert, 'cert', certFile)
  if (!leaf) {
    throw wrong('holds no certificate', 'Give a file with the certificate in PEM, its chain behind it.')
  }
  const when = outOfDate(leaf, now)
  if (when) throw wrong(`holds a certificate that ${when}`, 'Put a new one, and its key, in place.')
  if (leaf.keyUsage && !leaf.keyUsage.some((use) => serverUses.includes(use))) {
    throw wrong('holds a certificate that is not for servers', 'Give one for the authentication of servers.')
  }
  if (!leaf.checkPrivateKey(keyOf(texts.key, keyFile))) {
    throw new TlsFileError(
      'key',
      keyFile,
      'is not the key of the certificate',
      `Give the key that belongs to ${variables.cert}=${certFile}.`,
    )
  }
  if (texts.ca !== undefined && clientCaFile !== undefined) requireAuthorities(texts.ca, clientCaFile, now)
  try {
    createSecureContext(secureContextOptions(texts))
  } catch (cause) {
    throw wrong(`cannot be used (${(cause as Error).message})`, 'Give an ECDSA or RSA certificate.', cause)
  }
  return { ...texts, subject: leaf.subject, serial: leaf.serialNumber, until: new Date(leaf.validTo) }
}

/** Extended key usages that let a certificate speak for a server: authentication of servers, and any. */
const serverUses = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']

function requireAuthorities(text: string, file: string, now: Date): void {
  const remedy = 'Give the certificates, in PEM, of the authorities that sign those of your clients.'
  const wrong = (problem: string) => new TlsFileError('ca', file, problem, remedy)
  const all = certificatesIn(text, 'ca', file)
  if (all.length === 0) throw wrong('holds no certificate')
  const none = all.find((one) => !one.ca)
  if (none) throw wrong(`holds a certificate that is no authority (${none.subject})`)
  const [first] = all
  // One that has ended may stand beside its successor.
  if (first && all.every((one) => outOfDate(one, now))) {
    throw wrong(`holds no authority that is valid now: ${first.subject} ${outOfDate(first, now)}`)
  }
}

function certificatesIn(text: string, which: 'cert' | 'ca', file: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block, i) => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      const problem = `holds a damaged certificate (number ${i + 1})`
      throw new TlsFileError(which, file, problem, 'Give a file in PEM, as it was issued.', cause)
    }
  })
}

function keyOf(text: string, file: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    const problem = text.includes('ENCRYPTED')
      ? 'holds a key that needs a passphrase'
      : 'holds no private key that can be read'
    throw new TlsFileError('key', file, problem, 'Give the key in PEM, without a passphrase.', cause)
  }
}

function outOfDate({ validFrom, validTo }: X509Certificate, now: Date): string | undefined {
  if (new Date(validTo) <= now) return `ended on ${new Date(validTo).toISOString()}`
  if (new Date(validFrom) > now) return `begins on ${new Date(validFrom).toISOString()} only`
  return undefined
}
