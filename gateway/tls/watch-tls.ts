import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { ClientAuth } from '../accounts/authenticator.ts'
import {
  parseTlsMaterial,
  TlsFileError,
  type TlsFiles,
  type TlsMaterial,
  type TlsTexts,
} from './tls-material.ts'

/** TLS as it is configured. */
export interface TlsConfig {
  readonly files: TlsFiles
  /** What the files held at the start. */
  readonly first: TlsMaterial
  readonly clientAuth: ClientAuth
  readonly reloadIntervalMs: number
}

/** What the files hold now, for the start. @throws WrongTls also when one cannot be read. */
export function readTls(files: TlsFiles): TlsMaterial {
  const read = (which: 'cert' | 'key' | 'ca', file: string) => {
    try {
      return readFileSync(file, 'utf8')
    } catch (thrown) {
      throw unreadable(which, file, thrown)
    }
  }
  const { certFile, keyFile, clientCaFile } = files
  return parseTlsMaterial(files, {
    cert: read('cert', certFile),
    key: read('key', keyFile),
    ca: clientCaFile === undefined ? undefined : read('ca', clientCaFile),
  })
}

export interface WatchedTls extends Disposable {
  readonly current: TlsMaterial
  /** Tells of each new material from now on. */
  onChange(take: (material: TlsMaterial) => void): void
}

const endingSoonMs = 7 * 86_400_000

/**
 * Looks at the files every so often and tells when they have changed for good. What cannot be used is named in the log
 * and the old stays; as certificate and key are rarely replaced in one moment, only what is still wrong at the next
 * look counts as wrong. Reading what is there works where watching does not: over links that are swapped, as Kubernetes
 * does it, and over network file systems.
 */
export function watchTls({ files, first, reloadIntervalMs }: TlsConfig, log: Logger): WatchedTls {
  const takers: ((material: TlsMaterial) => void)[] = []
  let current = first
  let refused: { readonly texts: TlsTexts; told: boolean } | undefined
  let isLooking = false
  let toldOfEnd: string | undefined

  const look = async () => {
    const texts = await readTexts(files)
    if (texts instanceof TlsFileError) return refuse(texts, { cert: texts.message, key: '', ca: undefined })
    if (isSame(texts, current)) return void (refused = undefined)
    try {
      current = parseTlsMaterial(files, texts)
    } catch (thrown) {
      return refuse(thrown as Error, texts)
    }
    refused = undefined
    for (const take of takers) take(current)
    log.info('new TLS files are in use', { subject: current.subject, until: current.until.toISOString() })
  }
  const refuse = (error: Error, texts: TlsTexts) => {
    if (!refused || !isSame(refused.texts, texts)) refused = { texts, told: false }
    else if (!refused.told) {
      refused.told = true
      log.error('new TLS files cannot be used; the old ones stay in use', { problem: error.message })
    }
  }
  const tellOfEnd = () => {
    if (current.serial === toldOfEnd || current.until.getTime() - Date.now() > endingSoonMs) return
    toldOfEnd = current.serial
    log.warn('the TLS certificate ends soon', { until: current.until.toISOString() })
  }
  const timer = setInterval(() => {
    tellOfEnd()
    if (isLooking) return
    isLooking = true
    look()
      .catch((error: unknown) => log.error('new TLS files could not be taken up', { error }))
      .finally(() => (isLooking = false))
  }, reloadIntervalMs)
  timer.unref()
  tellOfEnd()
  void warnOfOpenKey(files.keyFile, log)
  return {
    get current() {
      return current
    },
    onChange: (take) => void takers.push(take),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

async function readTexts({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsTexts | TlsFileError> {
  const read = (which: 'cert' | 'key' | 'ca', file: string) =>
    readFile(file, 'utf8').catch((thrown: unknown) => Promise.reject(unreadable(which, file, thrown)))
  try {
    const [cert, key, ca] = await Promise.all([
      read('cert', certFile),
      read('key', keyFile),
      clientCaFile === undefined ? undefined : read('ca', clientCaFile),
    ])
    return { cert, key, ca }
  } catch (thrown) {
    return thrown as TlsFileError
  }
}

function unreadable(which: 'cert' | 'key' | 'ca', file: string, thrown: unknown): TlsFileError {
  const code = (thrown as { code?: string }).code ?? String(thrown)
  return new TlsFileError(
    which,
    file,
    `cannot be read (${code})`,
    'Give a file that this process may read.',
    thrown,
  )
}

async function warnOfOpenKey(keyFile: string, log: Logger): Promise<void> {
  const { mode } = await stat(keyFile).catch(() => ({ mode: 0 }))
  if ((mode & 0o004) !== 0) log.warn('everybody on this machine may read the TLS key', { file: keyFile })
}

function isSame(one: TlsTexts, other: TlsTexts): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca
}
