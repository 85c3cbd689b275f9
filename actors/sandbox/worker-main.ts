import { Fault } from '@pixelflow/core/fault'
import { beginStages, takeStages } from './time-stage.ts'
import type { WorkerHandler } from './worker-handler.ts'
import type { WorkerMessage, WorkRequest } from './worker-message.ts'

/**
 * Main function of a worker process: warms up, reports that it is ready, and runs one work item after the other until
 * the pipe closes or it is killed. It takes requests from its parent only, and has no credentials and no settings.
 */
export async function workerMain(handlers: Readonly<Record<string, WorkerHandler>>): Promise<void> {
  // A terminal sends Ctrl-C to the whole process group. The parent decides when this process ends.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  // The parent is gone. A normal exit would wait for native work in progress.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.on('message', (request: WorkRequest) => void runWork(handlers, request))
  for (const handler of Object.values(handlers)) await handler.warmUp()
  send({ type: 'ready' })
}

async function runWork(
  handlers: Readonly<Record<string, WorkerHandler>>,
  { work, kind, input }: WorkRequest,
): Promise<void> {
  beginStages()
  const before = process.cpuUsage()
  const notes = createNoteBatch((batch) => send({ type: 'notes', work, notes: batch }))
  const finish = () => {
    collectGarbage()
    const { user, system } = process.cpuUsage(before)
    return { work, notes: notes.take(), cpuMs: (user + system) / 1000, stages: takeStages() }
  }
  try {
    const handler = handlers[kind]
    if (handler === undefined) throw new Error(`no worker handler for kind ${kind}`)
    await handler.run(input, notes.add)
    send({ type: 'done', ...finish() })
  } catch (thrown) {
    const fault = Fault.of(thrown)
    send({ type: 'failed', ...finish(), report: fault.report(), cause: describeCause(fault.cause) })
  }
}

/** Sends the notes of one turn of the event loop together; those of the last turn are sent with the end of the work. */
function createNoteBatch(sendBatch: (notes: unknown[]) => void) {
  let batch: unknown[] = []
  let timer: NodeJS.Immediate | undefined
  const take = () => {
    clearImmediate(timer)
    timer = undefined
    const taken = batch
    batch = []
    return taken
  }
  return {
    add(note: unknown) {
      batch.push(note)
      timer ??= setImmediate(() => sendBatch(take()))
    },
    take,
  }
}

function send(message: WorkerMessage): void {
  process.send?.(message)
}

/** The collector does not know the size of native pixel buffers, so it would run too late. */
function collectGarbage(): void {
  if (process.memoryUsage.rss() > 192 * 1024 * 1024) Bun.gc(true)
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? '')
}
