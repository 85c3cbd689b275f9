import { frameFloods, sendFrames } from './flood-frames.ts'
import { keyPaths, sendKeys, unknownKeys } from './flood-keys.ts'
import type { FloodKind, FloodConfig } from './flood-processes.ts'
import { openWorkFlood } from './flood-work.ts'
import { incompleteFloods, type IncompleteFlood } from './floods.ts'

/**
 * Repeats the floods of one kind in its own process: `flood-program.ts <config as JSON>`. Prints `flooding` when it has
 * started, and `met <name>: <end>` for each distinct end of a flood. Stops at SIGTERM, with its parent, or after the
 * configured time, and prints the number of each end.
 */

const config = JSON.parse(process.argv[2] ?? '') as FloodConfig
const { url, grpcAddress, token } = config
const stop = new AbortController()
const ends: Record<string, number> = {}
const print = (line: string) => void process.stdout.write(`${line}\n`)
const slowCallsAtOnce = 6
const heavyTasksAtOnce = 16
/** Each connection and call is repeated after this pause, which is the `Retry-After` of refusals. */
const pauseMs = 5000
/** Connections of each kind of incomplete request. 300 forms once held 400 MB for one account. */
const maxConnections = (name: string) => (name.includes('forms') ? 150 : 30)

/** Repeats one action until the program stops, and counts its ends. */
async function repeat(name: string, act: () => Promise<string>): Promise<void> {
  while (!stop.signal.aborted) {
    const end = await act().catch((error: Error) => error.message)
    if (stop.signal.aborted) return
    const line = `${name}: ${end}`
    if (!(line in ends)) print(`met ${line}`)
    ends[line] = (ends[line] ?? 0) + 1
    await Bun.sleep(pauseMs)
  }
}

/** Opens one connection and holds it until the gateway ends it. */
async function holdOpen({ open }: IncompleteFlood): Promise<string> {
  using flood = await open(1)
  while (!stop.signal.aborted && flood.ended < flood.opened) await Bun.sleep(250)
  return 'ended'
}

function incomplete(isAuthenticated: boolean): Promise<void>[] {
  const chosen = Object.entries(incompleteFloods(config)).filter(
    ([, flood]) => flood.hasToken === isAuthenticated,
  )
  return chosen.flatMap(([name, flood]) => {
    const count = Math.min(maxConnections(name), flood.connections)
    return Array.from({ length: count }, async (_, at) => {
      // Spread the first connections over the pause.
      await Bun.sleep((pauseMs * at) / count)
      await repeat(name, () => holdOpen(flood))
    })
  })
}

async function work(): Promise<Promise<void>[]> {
  const flood = await openWorkFlood(url, token)
  const calls = Array.from({ length: slowCallsAtOnce }, () =>
    repeat('slow calls', () => flood.callOnce(stop.signal)),
  )
  const tasks = Array.from({ length: heavyTasksAtOnce }, () =>
    repeat('heavy tasks', () => flood.taskOnce(stop.signal)),
  )
  return [...calls, ...tasks]
}

const floods: Readonly<Record<FloodKind, () => Promise<void>[] | Promise<Promise<void>[]>>> = {
  stalled: () => incomplete(true),
  refused: () => incomplete(false),
  frames: () =>
    Object.entries(frameFloods).map(([name, flood]) =>
      repeat(name, async () => `GOAWAY ${(await sendFrames(flood, grpcAddress)).code}`),
    ),
  keys() {
    const body = unknownKeys()
    return [...keyPaths, ...keyPaths].map((path) =>
      repeat(`keys to ${path}`, () => sendKeys(url, path, body, stop.signal)),
    )
  },
  work,
}

process.once('SIGTERM', () => stop.abort())
setTimeout(() => stop.abort(), config.seconds * 1000)
const parent = process.ppid
setInterval(() => process.ppid !== parent && stop.abort(), 1000).unref()
const loops = await floods[config.kind]()
print('flooding')
// A connection without a response must not keep the process alive.
await Promise.race([Promise.all(loops), aborted(stop.signal).then(() => Bun.sleep(5000))])
process.stdout.write(`${JSON.stringify({ sent: ends })}\n`, () => process.exit(0))

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
