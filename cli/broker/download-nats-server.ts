import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readNatsVersion } from './nats-version.ts'

export interface NatsRelease {
  /** Address that `v<version>/<asset>` is appended to. */
  readonly baseUrl: string
  readonly version: string
  /** As Node calls them; defaults: this machine's. */
  readonly platform?: string
  readonly arch?: string
}

/** Nothing may keep a start waiting: every hop must answer within this, and bytes must keep coming. */
const connectMs = 3000
const stalledMs = 10_000
const largestBytes = 64 * 1024 * 1024
const mostHops = 5

const systems: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' }
const machines: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Name of the official archive for a machine; null when no archive exists for it. */
export function assetName({ version, platform = process.platform, arch = process.arch }: NatsRelease) {
  const system = systems[platform]
  const machine = machines[arch]
  return system && machine ? `nats-server-v${version}-${system}-${machine}` : null
}

/**
 * Downloads an official release to `target`, after its SHA-256 was found equal to the one in the release's own list.
 *
 * @throws Error whose message is the reason.
 */
export async function downloadNatsServer(release: NatsRelease, target: string): Promise<void> {
  const asset = assetName(release)
  if (!asset) throw new Error(`there is no release for ${process.platform} on ${process.arch}`)
  const base = `${release.baseUrl.replace(/\/$/, '')}/v${release.version}`
  const sums = new TextDecoder().decode(await fetchBytes(`${base}/SHA256SUMS`))
  const expected = sums
    .split('\n')
    .map((line) => /^([0-9a-f]{64})[ *]+(\S+)$/.exec(line.trim()))
    .find((match) => match?.[2] === `${asset}.tar.gz`)?.[1]
  if (!expected) throw new Error(`the release's SHA256SUMS does not list ${asset}.tar.gz`)

  const archive = await fetchBytes(`${base}/${asset}.tar.gz`)
  const actual = new Bun.CryptoHasher('sha256').update(archive).digest('hex')
  if (actual !== expected) {
    throw new Error(`the SHA-256 of ${asset}.tar.gz is ${actual}, and not ${expected} as its release says`)
  }
  const program = (await new Bun.Archive(archive).files()).get(`${asset}/nats-server`)
  if (!program) throw new Error(`${asset}.tar.gz holds no ${asset}/nats-server`)
  await place(program, target, release.version)
}

/** Moves the program into place once it runs here and reports the right version. The rename is atomic. */
async function place(program: Blob, target: string, version: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  const fresh = join(dirname(target), `.${basename(target)}.${process.pid}`)
  try {
    await Bun.write(fresh, program)
    await chmod(fresh, 0o755)
    const told = await readNatsVersion(fresh)
    if (told !== version)
      throw new Error(`the downloaded program ${told ? `is version ${told}` : 'does not run here'}`)
    await rename(fresh, target)
  } finally {
    await rm(fresh, { force: true })
  }
}

/** The bytes behind an address, redirections followed one by one so that each hop has its own time to answer. */
async function fetchBytes(address: string): Promise<Uint8Array> {
  let url = address
  for (let hop = 0; hop < mostHops; hop++) {
    const watch = stallWatch(connectMs)
    try {
      const response = await fetch(url, { redirect: 'manual', signal: watch.signal })
      const next = response.headers.get('location')
      if (response.status >= 300 && response.status < 400 && next) {
        url = new URL(next, url).href
        continue
      }
      if (!response.ok) throw new Error(`${url} answered ${response.status}`)
      return await readAll(response, url, watch)
    } catch (error) {
      if (watch.signal.aborted) throw new Error(`${new URL(url).host} ${watch.why()}`, { cause: error })
      throw error instanceof Error && 'code' in error
        ? new Error(`${new URL(url).host} cannot be reached (${String(error.code)})`, { cause: error })
        : error
    } finally {
      watch.stop()
    }
  }
  throw new Error(`${address} redirects more than ${mostHops} times`)
}

async function readAll(response: Response, url: string, watch: StallWatch): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    watch.postpone(stalledMs)
    bytes += chunk.length
    if (bytes > largestBytes) throw new Error(`${url} is larger than ${largestBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

interface StallWatch {
  readonly signal: AbortSignal
  postpone(ms: number): void
  why(): string
  stop(): void
}

function stallWatch(firstMs: number): StallWatch {
  const controller = new AbortController()
  let waitedMs = firstMs
  let timer = setTimeout(() => controller.abort(), firstMs)
  return {
    signal: controller.signal,
    why: () => `did not answer within ${waitedMs / 1000} s`,
    stop: () => clearTimeout(timer),
    postpone(ms) {
      clearTimeout(timer)
      waitedMs = ms
      timer = setTimeout(() => controller.abort(), ms)
    },
  }
}
