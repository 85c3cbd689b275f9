import { mkdir } from 'node:fs/promises'
import { parseAccountUris } from '@pixelflow/core/account-uri'
import { Exit } from '../exit.ts'
import { lock } from '../lock.ts'
import { filesIn, readPair, writePair, type Pair, type PairFiles } from './folder.ts'
import { issueAuthority, issueClient, issueServer, validDays, validFor, type Issued } from './issue.ts'
import { namesOf } from './names.ts'

export interface Wish {
  readonly folder: string
  /** DNS names and IP addresses of the server besides those of this machine. */
  readonly hosts: readonly string[]
  readonly clients: readonly Client[]
  /** Makes every leaf anew, also those that hold for long. */
  readonly renew: boolean
  readonly now?: Date
}

export interface Client {
  readonly name: string
  readonly account: string
}

/** One certificate of the folder as it is now. */
export interface Kept {
  readonly certificate: string
  readonly key: string
  readonly until: Date
  /** Why it was made now; undefined when it was there. */
  readonly made: string | undefined
}

export interface KeptFolder {
  readonly folder: string
  readonly authority: Kept
  readonly server: Kept & { readonly hosts: readonly string[] }
  readonly clients: readonly (Kept & Client)[]
}

/** Names under which a server on this machine is called. */
const ownHosts = ['localhost', '127.0.0.1', '::1']
const ownClient: Client = { name: 'local', account: 'local' }
const dayMs = 86_400_000
/** A leaf with less time left is made anew. */
const renewDays = 30

/**
 * Sees to it that a folder holds an authority, a certificate for the server, and one for each client, all of them
 * valid for some time yet. What is there and good stays, hosts and clients of earlier calls included.
 *
 * @throws Exit `usage` when the folder holds half an authority, or cannot be used.
 */
export async function keepCertificates(wish: Wish): Promise<KeptFolder> {
  const { folder, now = new Date() } = wish
  const files = filesIn(folder)
  await makeFolder(folder)
  using held = await lock(files.lock, 'exclusive', { timeoutMs: 30_000 })
  if (!held) {
    throw new Exit('failed', `Another ./pixelflow certs has held the lock of ${folder} for 30 s.`, {
      remedy: 'Wait until it is done, or end it, and try again.',
    })
  }

  const validity = validFor(validDays.leaf, now)

  const authority = await keep(files.authority, await authorityFault(files.authority, now), () =>
    issueAuthority(validFor(validDays.authority, now)),
  )
  const leaf = (pair: Pair | 'broken' | undefined) => leafFault(pair, authority.pair, wish, now)

  const oldServer = await readPair(files.server)
  const oldHosts = isPair(oldServer) ? namesOf(oldServer.certificate).hosts : []
  const hosts = [...new Set([...ownHosts, ...oldHosts, ...wish.hosts])]
  const added = hosts.filter((host) => !oldHosts.includes(host))
  const serverFault =
    leaf(oldServer) ?? (added.length > 0 ? `it did not name ${added.join(', ')}` : undefined)
  const server = await keep(files.server, serverFault, () => issueServer(authority.pair, hosts, validity))

  const clients: (Kept & Client)[] = []
  for (const { name, account } of await allClients(files, wish.clients)) {
    const old = await readPair(files.client(name))
    const isOther = isPair(old) && accountOf(old) !== account
    const fault = leaf(old) ?? (isOther ? `it was for account ${accountOf(old) ?? 'none'}` : undefined)
    const kept = await keep(files.client(name), fault, () =>
      issueClient(authority.pair, { name, account }, validity),
    )
    clients.push({ ...kept.kept, name, account })
  }
  return { folder, authority: authority.kept, server: { ...server.kept, hosts }, clients }
}

/** Those wished for and those there are; with neither, one for the account of this machine. */
async function allClients(files: ReturnType<typeof filesIn>, wished: readonly Client[]): Promise<Client[]> {
  const clients = new Map<string, Client>()
  for (const name of await files.clients()) {
    const pair = await readPair(files.client(name))
    const account = isPair(pair) ? accountOf(pair) : undefined
    if (account !== undefined) clients.set(name, { name, account })
  }
  for (const client of wished) clients.set(client.name, client)
  return clients.size === 0 ? [ownClient] : [...clients.values()]
}

/** Makes the pair when there is a fault, and tells what is there now. */
async function keep(files: PairFiles, fault: string | undefined, make: () => Promise<Issued>) {
  if (fault !== undefined) await writePair(files, await make())
  const pair = await readPair(files)
  if (!isPair(pair)) throw new Error(`${files.certificate} was not written as it should.`)
  const kept: Kept = { ...files, until: new Date(pair.x509.validTo), made: fault }
  return { pair, kept }
}

async function authorityFault(files: PairFiles, now: Date): Promise<string | undefined> {
  const pair = await readPair(files)
  if (pair === undefined) return 'there was none'
  if (!isPair(pair) || !pair.x509.ca) {
    throw new Exit('usage', `${files.certificate} and ${files.key} are not an authority and its key.`, {
      remedy: 'Put back what was there, or name another folder with --dir.',
    })
  }
  return leftDays(pair, now) < validDays.leaf ? 'a new certificate would outlive it' : undefined
}

function leafFault(
  pair: Pair | 'broken' | undefined,
  authority: Pair,
  { renew }: Wish,
  now: Date,
): string | undefined {
  if (pair === undefined) return 'there was none'
  if (!isPair(pair)) return 'it and its key did not belong together'
  if (!pair.x509.checkIssued(authority.x509) || !pair.x509.verify(authority.x509.publicKey)) {
    return 'another authority had signed it'
  }
  if (leftDays(pair, now) < renewDays) return 'it was near its end'
  return renew ? 'you asked for it' : undefined
}

function isPair(pair: Pair | 'broken' | undefined): pair is Pair {
  return pair !== undefined && pair !== 'broken'
}

function accountOf({ certificate }: Pair): string | undefined {
  return parseAccountUris(namesOf(certificate).uris)
}

function leftDays({ x509 }: Pair, now: Date): number {
  return (new Date(x509.validTo).getTime() - now.getTime()) / dayMs
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Exit('usage', `The folder ${folder} cannot be made (${code}).`, {
      field: '--dir',
      remedy: 'Name one that this user may write to.',
      cause: error,
    })
  }
}
