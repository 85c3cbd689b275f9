// @peculiar/x509 requires this to be imported first.
import 'reflect-metadata'
import { isIP } from 'node:net'
import { accountUri } from '@pixelflow/core/account-uri'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
} from '@peculiar/x509'

/** A certificate and its private key, both in PEM. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly key: string
}

/** The validity period of a certificate. */
export interface Validity {
  readonly from: Date
  readonly until: Date
}

const dayMs = 86_400_000
/** Tolerates clients whose clocks are behind. */
const backdatedMs = 3_600_000

/** Validity of an authority (10 years) and of the certificates it signs (397 days, the maximum of browsers). */
export const validDays = { authority: 3650, leaf: 397 } as const

export function validFor(days: number, now = new Date()): Validity {
  const from = new Date(now.getTime() - backdatedMs)
  return { from, until: new Date(from.getTime() + days * dayMs) }
}

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' }
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' }

/** Issues an authority, which can sign certificates but not other authorities. */
export async function issueAuthority(validity = validFor(validDays.authority)): Promise<IssuedCertificate> {
  const keys = await newKeys()
  // Unique, because some programs find the issuer by its name.
  const name = `CN=PixelFlow development CA ${hex(4)}`
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name,
    keys,
    notBefore: validity.from,
    notAfter: validity.until,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return issuedOf(certificate, keys)
}

/** Issues a certificate for a server with at least one DNS name or IP address. */
export function issueServer(
  authority: IssuedCertificate,
  hosts: readonly string[],
  validity = validFor(validDays.leaf),
): Promise<IssuedCertificate> {
  const names = hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }))
  return issueLeaf(authority, 'PixelFlow gateway', validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(names),
  ])
}

/** Issues a certificate for a client of an account, or without an account for a proxy. `name` is only displayed. */
export function issueClient(
  authority: IssuedCertificate,
  { name, account }: { readonly name: string; readonly account?: string },
  validity = validFor(validDays.leaf),
): Promise<IssuedCertificate> {
  return issueLeaf(authority, name, validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ...(account === undefined
      ? []
      : [new SubjectAlternativeNameExtension([{ type: 'url', value: accountUri(account) }])]),
  ])
}

async function issueLeaf(
  authority: IssuedCertificate,
  commonName: string,
  { from, until }: Validity,
  extensions: readonly Extension[],
): Promise<IssuedCertificate> {
  const keys = await newKeys()
  const issuer = new X509Certificate(authority.certificate)
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [commonName] }],
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(authority),
    notBefore: from,
    notAfter: until,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...extensions,
    ],
  })
  return issuedOf(certificate, keys)
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
}

function signingKeyOf({ key }: IssuedCertificate): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(key), keyAlgorithm, false, ['sign'])
}

async function issuedOf(
  certificate: X509Certificate,
  { privateKey }: CryptoKeyPair,
): Promise<IssuedCertificate> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', privateKey)
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  }
}

/** 126 random bits; positive, without a leading zero byte. */
function newSerial(): string {
  const [first = 0, ...rest] = crypto.getRandomValues(new Uint8Array(16))
  return Buffer.from([(first & 0x3f) | 0x40, ...rest]).toString('hex')
}

function hex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex')
}
