import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { ClientAuth } from '../accounts/authenticator.ts'
import {
  parseTlsMaterial,
  TlsFileError,
  type TlsFiles,
  type TlsMaterial,
  type TlsFileContents,
} from './tls-material.ts'

/** The TLS configuration. */
export interface TlsConfig {
  readonly files: TlsFiles
  /** The material that was read at the start. */
  readonly first: TlsMaterial
  readonly clientAuth: ClientAuth
  readonly reloadIntervalMs: number
}

/** Reads the files at the start. @throws TlsFileError also when a file cannot be read. */
export function readTls(files: TlsFiles): TlsMaterial {
  const read = (which: 'cert' | 'key' | 'ca', file: string) => {
    try {
      return readFileSync(file, 'utf8')
    } catch (thrown) {
      throw unreadableFile(which, file, thrown)
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
  /** Calls `take` with each new material. */
  onChange(take: (material: TlsMaterial) => void): void
}

const expiryWarningMs = 7 * 86_400_000

/**
 * Reads the files at each interval and reports new valid material. Invalid files are logged, and the old material stays
 * in use. Certificate and key are rarely replaced at the same moment, so only files that are still invalid at the next
 * poll are reported. Polling also works where file watching does not: with the symbolic links of Kubernetes and with
 * network file systems.
 */
export function watchTls({ files, first, reloadIntervalMs }: TlsConfig, log: Logger): WatchedTls {
  const listeners: ((material: TlsMaterial) => void)[] = []
  let current = first
  let rejected:
    | { readonly variable: string; readonly contents: TlsFileContents | undefined; isReported: boolean }
    | undefined
  let isPolling = false
  let warnedSerial: string | undefined

  const poll = async () => {
    let contents: TlsFileContents | undefined
    try {
      contents = await readContents(files)
      if (isSame(contents, current)) return void (rejected = undefined)
      current = parseTlsMaterial(files, contents)
    } catch (thrown) {
      if (!(thrown instanceof TlsFileError)) throw thrown
      return reject(thrown, contents)
    }
    rejected = undefined
    for (const take of listeners) take(current)
    log.info('TLS files reloaded', { subject: current.subject, until: current.until.toISOString() })
  }
  /** Logs an error that persists over two polls, once. @param contents undefined when a file cannot be read */
  const reject = (error: TlsFileError, contents: TlsFileContents | undefined) => {
    const isRepeated =
      rejected?.variable === error.variable &&
      (contents && rejected.contents ? isSame(rejected.contents, contents) : contents === rejected.contents)
    if (!isRepeated) rejected = { variable: error.variable, contents, isReported: false }
    else if (rejected && !rejected.isReported) {
      rejected.isReported = true
      log.error('invalid TLS files; the previous ones stay in use', { problem: error.message })
    }
  }
  const warnOfExpiry = () => {
    if (current.serial === warnedSerial || current.until.getTime() - Date.now() > expiryWarningMs) return
    warnedSerial = current.serial
    log.warn('TLS certificate expires soon', { until: current.until.toISOString() })
  }
  const timer = setInterval(() => {
    warnOfExpiry()
    if (isPolling) return
    isPolling = true
    poll()
      .catch((error: unknown) => log.error('TLS file poll failed', { error }))
      .finally(() => (isPolling = false))
  }, reloadIntervalMs)
  timer.unref()
  warnOfExpiry()
  void warnOfReadableKey(files.keyFile, log)
  return {
    get current() {
      return current
    },
    onChange: (take) => void listeners.push(take),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

/** @throws TlsFileError when a file cannot be read. */
async function readContents({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<TlsFileContents> {
  const read = (which: 'cert' | 'key' | 'ca', file: string) =>
    readFile(file, 'utf8').catch((thrown: unknown) => Promise.reject(unreadableFile(which, file, thrown)))
  const [cert, key, ca] = await Promise.all([
    read('cert', certFile),
    read('key', keyFile),
    clientCaFile === undefined ? undefined : read('ca', clientCaFile),
  ])
  return { cert, key, ca }
}

function unreadableFile(which: 'cert' | 'key' | 'ca', file: string, thrown: unknown): TlsFileError {
  const code = (thrown as { code?: string }).code ?? String(thrown)
  return new TlsFileError(
    which,
    file,
    `cannot be read (${code})`,
    'Give a file that this process can read.',
    thrown,
  )
}

async function warnOfReadableKey(keyFile: string, log: Logger): Promise<void> {
  const { mode } = await stat(keyFile).catch(() => ({ mode: 0 }))
  if ((mode & 0o004) !== 0) log.warn('TLS key is readable by other users', { file: keyFile })
}

function isSame(one: TlsFileContents, other: TlsFileContents): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca
}
