import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import type { IssuedCertificate } from './issue.ts'

/** A certificate and its key. */
export interface KeyPair extends IssuedCertificate {
  readonly x509: X509Certificate
}

export interface KeyPairFiles {
  readonly certificate: string
  readonly key: string
}

/** Paths of the files. Keys have mode 0600, folders 0700. */
export function certificateFiles(folder: string) {
  const pair = (name: string): KeyPairFiles => ({
    certificate: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
  })
  return {
    lock: join(folder, 'certs.lock'),
    authority: pair('ca'),
    server: pair('server'),
    client: (name: string) => pair(join('clients', name)),
    /** Names of the existing clients, sorted. */
    async clients(): Promise<string[]> {
      const files = await readdir(join(folder, 'clients')).catch(() => [])
      return files
        .filter((file) => file.endsWith('.crt'))
        .map((file) => file.slice(0, -'.crt'.length))
        .toSorted()
    },
  }
}

/**
 * Reads a pair of files: `undefined` when neither exists, `'broken'` when one is missing or invalid, or they do not match.
 * Makes the key readable only by its owner.
 */
export async function readKeyPair(files: KeyPairFiles): Promise<KeyPair | 'broken' | undefined> {
  const [certificate, key] = await Promise.all([textOf(files.certificate), textOf(files.key)])
  if (certificate === undefined && key === undefined) return undefined
  if (certificate === undefined || key === undefined) return 'broken'
  await chmod(files.key, 0o600)
  try {
    const x509 = new X509Certificate(certificate)
    return x509.checkPrivateKey(createPrivateKey(key)) ? { certificate, key, x509 } : 'broken'
  } catch {
    return 'broken'
  }
}

/** Replaces a pair, the key first, so that a program that watches the certificate finds the new key. */
export async function writeKeyPair(
  files: KeyPairFiles,
  { certificate, key }: IssuedCertificate,
): Promise<void> {
  await mkdir(dirname(files.key), { recursive: true, mode: 0o700 })
  await replace(files.key, key, 0o600)
  await replace(files.certificate, certificate, 0o644)
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  const next = `${path}.new`
  await rm(next, { force: true })
  const file = await open(next, 'wx', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(next, path)
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new CliError('usage', `${path} cannot be read (${code}).`, {
      remedy: 'Change its owner to this user, or choose another folder with --dir.',
      cause: error,
    })
  }
}
