import type { Certificates } from '../client/certificates.ts'
import { readServerVersion } from '../client/open-client.ts'
import type { Config } from '../config.ts'
import { isHeld } from '../lock.ts'
import { upFiles } from './up-files.ts'

export interface LocateOptions {
  readonly config: Config
  /** Value of `--server`. */
  readonly server: string | undefined
  readonly certificates?: Certificates | undefined
  readonly signal: AbortSignal
}

export interface ServerAddress {
  readonly url: string
  /** Its gRPC address, as `host:port`; undefined when unknown. */
  readonly grpc: string | undefined
}

/**
 * The server that a command calls: that of `--server` or the settings; otherwise the default address of this machine; or, if
 * no server is reachable there, the `up` of this data folder.
 */
export async function locateServer(options: LocateOptions): Promise<ServerAddress> {
  const { config, server, certificates, signal } = options
  const url = server ?? config.serverUrl
  const byDefault = { url, grpc: undefined }
  const files = upFiles(config.dataDir)
  const record = await files.read()
  // A record without the lock was left by an `up` that was killed.
  if (record === null || !(await isHeld(files.upLock))) return byDefault
  const recorded = { url: record.url, grpc: record.grpc || undefined }
  if (record.url === url) return recorded
  if (server !== undefined || config.hasAddress) return byDefault
  return (await readServerVersion(url, signal, certificates)) === null ? recorded : byDefault
}
