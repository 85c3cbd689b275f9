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
  /** Where it serves gRPC, as `host:port`; undefined when no record states it. */
  readonly grpc: string | undefined
}

/**
 * The server that a command calls: the one that `--server` or the settings name; else the usual address of this
 * machine; else, where no server answers there, the address of the `up` that runs on this data folder.
 */
export async function locateServer(options: LocateOptions): Promise<ServerAddress> {
  const { config, server, certificates, signal } = options
  const url = server ?? config.serverUrl
  const usual = { url, grpc: undefined }
  const place = upFiles(config.dataDir)
  const record = await place.read()
  // A record without the lock was left by an `up` that was killed.
  if (record === null || !(await isHeld(place.upLock))) return usual
  const recorded = { url: record.url, grpc: record.grpc || undefined }
  if (record.url === url) return recorded
  if (server !== undefined || config.addressGiven) return usual
  return (await readServerVersion(url, signal, certificates)) === null ? recorded : usual
}
