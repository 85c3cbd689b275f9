import { Fault } from '@pixelflow/core/fault'
import type { WorkerHandler, WorkRequest, WorkerMessage } from './worker-message.ts'

/**
 * The child's whole life: warm up, say ready, then one piece of work after the other until the pipe closes or it is
 * killed. It is told what to do by its parent alone; it has no credentials and no settings.
 */
export async function workerMain(handlers: Readonly<Record<string, WorkerHandler>>): Promise<void> {
  // A Ctrl-C reaches the whole process group; when this child ends is its parent's decision.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  // Without a parent there is nobody to work for, and native work in progress would keep an ordinary exit waiting.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.on('message', (order: WorkRequest) => void runWork(handlers, order))
  for (const handler of Object.values(handlers)) await handler.warmUp()
  say({ say: 'ready' })
}

async function runWork(
  handlers: Readonly<Record<string, WorkerHandler>>,
  { work, kind, input }: WorkRequest,
): Promise<void> {
  const before = process.cpuUsage()
  const cpuMs = () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
  try {
    const handler = handlers[kind]
    if (handler === undefined) throw new Error(`there is no kind ${kind}`)
    await handler.run(input, (note) => say({ say: 'note', work, note }))
    tidy()
    say({ say: 'done', work, cpuMs: cpuMs() })
  } catch (thrown) {
    tidy()
    const fault = Fault.of(thrown)
    say({ say: 'failed', work, cpuMs: cpuMs(), report: fault.report(), cause: describe(fault.cause) })
  }
}

function say(workerMessage: WorkerMessage): void {
  process.send?.(workerMessage)
}

/** Pixels are held by buffers that only a collection frees, and a collection does not know how large they are. */
function tidy(): void {
  if (process.memoryUsage.rss() > 192 * 1024 * 1024) Bun.gc(true)
}

function describe(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? '')
}
