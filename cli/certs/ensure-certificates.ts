import { mkdir } from 'node:fs/promises'
import { parseAccountUris } from '@pixelflow/core/account-uri'
import { CliError } from '../cli-error.ts'
import { lock } from '../lock.ts'
import { certificateFiles, readKeyPair, writeKeyPair, type KeyPair, type KeyPairFiles } from './key-pair.ts'
import {
  issueAuthority,
  issueClient,
  issueServer,
  validDays,
  validFor,
  type IssuedCertificate,
} from './issue.ts'
import { readSubjectNames } from './subject-names.ts'

export interface CertificateRequest {
  readonly folder: string
  /** DNS names and IP addresses of the server, in addition to those of this machine. */
  readonly hosts: readonly string[]
  readonly clients: readonly ClientIdentity[]
  /** Issues new certificates for the server and the clients even if the existing ones are valid. */
  readonly renew: boolean
  readonly now?: Date
}

export interface ClientIdentity {
  readonly name: string
  readonly account: string
}

/** Why a certificate was issued. `certs --json` shows these codes. */
export type IssueReason =
  | 'missing'
  /** The certificate or its key is missing or unreadable, or they do not match. */
  | 'invalid_key_pair'
  /** The authority that issued the old certificate is no longer the one of the folder. */
  | 'authority_changed'
  /** Less than 30 days are left, or for an authority less than the validity of the certificates that it issues. */
  | 'expires_soon'
  | 'renewal_requested'
  /** The old certificate of the server lacks a host. */
  | 'hosts_changed'
  /** The old certificate of the client is for another account. */
  | 'account_changed'

/** One certificate of the folder, after the call. */
export interface EnsuredCertificate {
  readonly certificate: string
  readonly key: string
  /** When it expires. */
  readonly notAfter: Date
  /** Why this call issued it; undefined if this call kept the existing one. */
  readonly issueReason: IssueReason | undefined
}

export interface CertificateFolder {
  readonly folder: string
  readonly authority: EnsuredCertificate
  readonly server: EnsuredCertificate & { readonly hosts: readonly string[] }
  readonly clients: readonly (EnsuredCertificate & ClientIdentity)[]
}

/** Names of a server on this machine. */
const ownHosts = ['localhost', '127.0.0.1', '::1']
const ownClient: ClientIdentity = { name: 'local', account: 'local' }
const dayMs = 86_400_000
/** A certificate with less time left is replaced. */
const renewDays = 30

/**
 * Ensures that a folder contains an authority, a certificate for the server, and one for each client, all valid for at
 * least 30 days. Keeps valid certificates, and the hosts and clients of earlier calls.
 *
 * @throws CliError `usage` when the folder contains an incomplete authority or is not writable.
 */
export async function ensureCertificates(request: CertificateRequest): Promise<CertificateFolder> {
  const { folder, now = new Date() } = request
  const files = certificateFiles(folder)
  await makeFolder(folder)
  using held = await lock(files.lock, 'exclusive', { timeoutMs: 30_000 })
  if (!held) {
    throw new CliError('failed', `Another ./pixelflow certs has been using ${folder} for 30 s.`, {
      remedy: 'Wait until it has ended, or stop it, and try again.',
    })
  }

  const validity = validFor(validDays.leaf, now)

  const authorityReason = await reasonToIssueAuthority(files.authority, now)
  const authority = await ensureKeyPair(files.authority, authorityReason, () =>
    issueAuthority(validFor(validDays.authority, now)),
  )
  const leafReason = (pair: KeyPair | 'broken' | undefined) =>
    reasonToIssueLeaf(pair, authority.pair, request, now)

  const oldServer = await readKeyPair(files.server)
  const oldHosts = isPair(oldServer) ? readSubjectNames(oldServer.certificate).hosts : []
  const hosts = [...new Set([...ownHosts, ...oldHosts, ...request.hosts])]
  const isHostMissing = hosts.some((host) => !oldHosts.includes(host))
  const serverReason = leafReason(oldServer) ?? (isHostMissing ? 'hosts_changed' : undefined)
  const server = await ensureKeyPair(files.server, serverReason, () =>
    issueServer(authority.pair, hosts, validity),
  )

  const clients: (EnsuredCertificate & ClientIdentity)[] = []
  for (const { name, account } of await allClients(files, request.clients)) {
    const old = await readKeyPair(files.client(name))
    const isOtherAccount = isPair(old) && accountOf(old) !== account
    const reason = leafReason(old) ?? (isOtherAccount ? 'account_changed' : undefined)
    const kept = await ensureKeyPair(files.client(name), reason, () =>
      issueClient(authority.pair, { name, account }, validity),
    )
    clients.push({ ...kept.kept, name, account })
  }
  return { folder, authority: authority.kept, server: { ...server.kept, hosts }, clients }
}

/** The requested clients and the existing ones; without any, one for the account of this machine. */
async function allClients(
  files: ReturnType<typeof certificateFiles>,
  requested: readonly ClientIdentity[],
): Promise<ClientIdentity[]> {
  const clients = new Map<string, ClientIdentity>()
  for (const name of await files.clients()) {
    const pair = await readKeyPair(files.client(name))
    const account = isPair(pair) ? accountOf(pair) : undefined
    if (account !== undefined) clients.set(name, { name, account })
  }
  for (const client of requested) clients.set(client.name, client)
  return clients.size === 0 ? [ownClient] : [...clients.values()]
}

/** Issues the pair if there is a reason, and returns the current one. */
async function ensureKeyPair(
  files: KeyPairFiles,
  issueReason: IssueReason | undefined,
  make: () => Promise<IssuedCertificate>,
) {
  if (issueReason !== undefined) await writeKeyPair(files, await make())
  const pair = await readKeyPair(files)
  if (!isPair(pair)) throw new Error(`${files.certificate} was written but cannot be read.`)
  const kept: EnsuredCertificate = { ...files, notAfter: new Date(pair.x509.validTo), issueReason }
  return { pair, kept }
}

async function reasonToIssueAuthority(files: KeyPairFiles, now: Date): Promise<IssueReason | undefined> {
  const pair = await readKeyPair(files)
  if (pair === undefined) return 'missing'
  if (!isPair(pair) || !pair.x509.ca) {
    throw new CliError('usage', `${files.certificate} and ${files.key} are not an authority and its key.`, {
      remedy: 'Restore both files, or choose another folder with --dir.',
    })
  }
  return leftDays(pair, now) < validDays.leaf ? 'expires_soon' : undefined
}

function reasonToIssueLeaf(
  pair: KeyPair | 'broken' | undefined,
  authority: KeyPair,
  { renew }: CertificateRequest,
  now: Date,
): IssueReason | undefined {
  if (pair === undefined) return 'missing'
  if (!isPair(pair)) return 'invalid_key_pair'
  if (!pair.x509.checkIssued(authority.x509) || !pair.x509.verify(authority.x509.publicKey)) {
    return 'authority_changed'
  }
  if (leftDays(pair, now) < renewDays) return 'expires_soon'
  return renew ? 'renewal_requested' : undefined
}

function isPair(pair: KeyPair | 'broken' | undefined): pair is KeyPair {
  return pair !== undefined && pair !== 'broken'
}

function accountOf({ certificate }: KeyPair): string | undefined {
  return parseAccountUris(readSubjectNames(certificate).uris)
}

function leftDays({ x509 }: KeyPair, now: Date): number {
  return (new Date(x509.validTo).getTime() - now.getTime()) / dayMs
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CliError('usage', `The folder ${folder} cannot be created (${code}).`, {
      field: '--dir',
      remedy: 'Choose a folder that this user can write to.',
      cause: error,
    })
  }
}
