import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readNatsVersion } from './nats-version.ts'

export interface NatsRelease {
  /** URL to which `/v<version>/<asset>` is appended. */
  readonly baseUrl: string
  readonly version: string
  /** Names of Node.js; by default those of this machine. */
  readonly platform?: string
  readonly arch?: string
}

/** Limits that keep a slow download from delaying the start: until each response, and between its chunks. */
const connectMs = 3000
const stalledMs = 10_000
const maxBytes = 64 * 1024 * 1024
const maxRedirects = 5

const systems: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' }
const machines: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Name of the official archive for a machine; null when no archive exists for it. */
export function assetName({ version, platform = process.platform, arch = process.arch }: NatsRelease) {
  const system = systems[platform]
  const machine = machines[arch]
  return system && machine ? `nats-server-v${version}-${system}-${machine}` : null
}

/**
 * Downloads an official release to `target`, if its SHA-256 equals the one in the list of the release.
 *
 * @throws Error with the reason.
 */
export async function downloadNatsServer(release: NatsRelease, target: string): Promise<void> {
  const asset = assetName(release)
  if (!asset) throw new Error(`No release exists for ${process.platform} on ${process.arch}.`)
  const base = `${release.baseUrl.replace(/\/$/, '')}/v${release.version}`
  const sums = new TextDecoder().decode(await fetchBytes(`${base}/SHA256SUMS`))
  const expected = sums
    .split('\n')
    .map((line) => /^([0-9a-f]{64})[ *]+(\S+)$/.exec(line.trim()))
    .find((match) => match?.[2] === `${asset}.tar.gz`)?.[1]
  if (!expected) throw new Error(`SHA256SUMS of the release does not list ${asset}.tar.gz.`)

  const archive = await fetchBytes(`${base}/${asset}.tar.gz`)
  const actual = new Bun.CryptoHasher('sha256').update(archive).digest('hex')
  if (actual !== expected) {
    throw new Error(`The SHA-256 of ${asset}.tar.gz is ${actual}, but the release lists ${expected}.`)
  }
  const program = (await new Bun.Archive(archive).files()).get(`${asset}/nats-server`)
  if (!program) throw new Error(`${asset}.tar.gz does not contain ${asset}/nats-server.`)
  await install(program, target, release.version)
}

/** Installs the program if it runs on this machine and reports the expected version. The rename is atomic. */
async function install(program: Blob, target: string, version: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  const fresh = join(dirname(target), `.${basename(target)}.${process.pid}`)
  try {
    await Bun.write(fresh, program)
    await chmod(fresh, 0o755)
    const reported = await readNatsVersion(fresh)
    if (reported !== version)
      throw new Error(
        `The downloaded program ${reported ? `is version ${reported}` : 'does not run on this machine'}.`,
      )
    await rename(fresh, target)
  } finally {
    await rm(fresh, { force: true })
  }
}

/** Downloads a URL. Follows redirects itself, so that each response has its own time limit. */
async function fetchBytes(address: string): Promise<Uint8Array> {
  let url = address
  for (let hop = 0; hop < maxRedirects; hop++) {
    const watch = stallWatch(connectMs)
    try {
      const response = await fetch(url, { redirect: 'manual', signal: watch.signal })
      const next = response.headers.get('location')
      if (response.status >= 300 && response.status < 400 && next) {
        url = new URL(next, url).href
        continue
      }
      if (!response.ok) throw new Error(`${url} responded with ${response.status}.`)
      return await readAll(response, url, watch)
    } catch (error) {
      if (watch.signal.aborted) throw new Error(`${new URL(url).host} ${watch.reason()}.`, { cause: error })
      throw error instanceof Error && 'code' in error
        ? new Error(`${new URL(url).host} is not reachable (${String(error.code)}).`, { cause: error })
        : error
    } finally {
      watch.stop()
    }
  }
  throw new Error(`${address} redirects more than ${maxRedirects} times.`)
}

async function readAll(response: Response, url: string, watch: StallWatch): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    watch.postpone(stalledMs)
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`${url} is larger than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

interface StallWatch {
  readonly signal: AbortSignal
  postpone(ms: number): void
  reason(): string
  stop(): void
}

function stallWatch(firstMs: number): StallWatch {
  const controller = new AbortController()
  let waitedMs = firstMs
  let timer = setTimeout(() => controller.abort(), firstMs)
  return {
    signal: controller.signal,
    reason: () => `did not answer within ${waitedMs / 1000} s`,
    stop: () => clearTimeout(timer),
    postpone(ms) {
      clearTimeout(timer)
      waitedMs = ms
      timer = setTimeout(() => controller.abort(), ms)
    },
  }
}
