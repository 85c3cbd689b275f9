import { frameFloods, sendFrames } from './flood-frames.ts'
import { keyPaths, sendKeys, unknownKeys } from './flood-keys.ts'
import type { FloodKind, FloodConfig } from './flood-processes.ts'
import { openWorkFlood } from './flood-work.ts'
import { unfinishedFloods, type UnfinishedFlood } from './floods.ts'

/**
 * Floods of one kind, without an end, as a process of its own: `flood-program.ts <order as JSON>`. Writes `flooding`
 * once it has begun, and `met <name>: <end>` when a flood ends in some way for the first time. Ends at SIGTERM, with
 * its parent, or after the time of its order, and writes then how often each of these has happened.
 */

const order = JSON.parse(process.argv[2] ?? '') as FloodConfig
const { url, grpcAddress, token } = order
const over = new AbortController()
const sent: Record<string, number> = {}
const say = (line: string) => void process.stdout.write(`${line}\n`)
const slowCallsAtOnce = 6
const heavyTasksAtOnce = 16
/** Each connection and call comes again after so long, which is what the gateway asks for when it refuses (`Retry-After`). */
const pauseMs = 5000
/** Connections of each kind of unfinished request: 300 forms, as an account once held 400 MB with, and fewer of the others. */
const mostConnections = (name: string) => (name.includes('forms') ? 150 : 30)

/** Does one thing again and again until the time is over, and counts how it ended. */
async function repeat(name: string, act: () => Promise<string>): Promise<void> {
  while (!over.signal.aborted) {
    const end = await act().catch((error: Error) => error.message)
    if (over.signal.aborted) return
    const line = `${name}: ${end}`
    if (!(line in sent)) say(`met ${line}`)
    sent[line] = (sent[line] ?? 0) + 1
    await Bun.sleep(pauseMs)
  }
}

/** What has room is held for as long as the gateway lets it be; the rest is refused at once. */
async function holdOpen({ open }: UnfinishedFlood): Promise<string> {
  using flood = await open(1)
  while (!over.signal.aborted && flood.ended < flood.opened) await Bun.sleep(250)
  return 'ended'
}

const isKnown = (name: string) => !/nobody|anybody/.test(name)

function unfinished(ofKnownCallers: boolean): Promise<void>[] {
  const chosen = Object.entries(unfinishedFloods(order)).filter(([name]) => isKnown(name) === ofKnownCallers)
  return chosen.flatMap(([name, flood]) => {
    const count = Math.min(mostConnections(name), flood.connections)
    return Array.from({ length: count }, async (_, at) => {
      // One after the other, not all in the same moment.
      await Bun.sleep((pauseMs * at) / count)
      await repeat(name, () => holdOpen(flood))
    })
  })
}

async function work(): Promise<Promise<void>[]> {
  const flood = await openWorkFlood(url, token)
  const calls = Array.from({ length: slowCallsAtOnce }, () =>
    repeat('slow calls', () => flood.callOnce(over.signal)),
  )
  const tasks = Array.from({ length: heavyTasksAtOnce }, () =>
    repeat('heavy tasks', () => flood.taskOnce(over.signal)),
  )
  return [...calls, ...tasks]
}

const floods: Readonly<Record<FloodKind, () => Promise<void>[] | Promise<Promise<void>[]>>> = {
  stalled: () => unfinished(true),
  refused: () => unfinished(false),
  frames: () =>
    Object.entries(frameFloods).map(([name, flood]) =>
      repeat(name, async () => `GOAWAY ${(await sendFrames(flood, grpcAddress)).code}`),
    ),
  keys() {
    const body = unknownKeys()
    return [...keyPaths, ...keyPaths].map((path) =>
      repeat(`keys to ${path}`, () => sendKeys(url, path, body, over.signal)),
    )
  },
  work,
}

process.once('SIGTERM', () => over.abort())
setTimeout(() => over.abort(), order.seconds * 1000)
const parent = process.ppid
setInterval(() => process.ppid !== parent && over.abort(), 1000).unref()
const loops = await floods[order.kind]()
say('flooding')
// A connection that the gateway never answers must not keep the process.
await Promise.race([Promise.all(loops), aborted(over.signal).then(() => Bun.sleep(5000))])
process.stdout.write(`${JSON.stringify({ sent })}\n`, () => process.exit(0))

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
