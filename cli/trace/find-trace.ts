import { PixelflowError } from '@pixelflow/client'
import { findTaskTrace, type TaskTrace } from '@pixelflow/platform/telemetry/tracing/ring/find-task-trace'
import { listRing } from '@pixelflow/platform/telemetry/tracing/ring/read-ring'
import { CliError } from '../cli-error.ts'
import { locateServerFor, openClientFor, type ServerFlags } from '../commands/server-flags.ts'
import type { Context } from '../context.ts'
import { isHeld } from '../lock.ts'
import { upFiles } from '../stack/up-files.ts'

/**
 * Finds the trace of a task among the recent traces of this machine.
 * @throws CliError with the reason why there is none.
 */
export async function findTrace(task: string, context: Context, options: ServerFlags): Promise<TaskTrace> {
  const { traceRingFolder: folder } = context.config
  const found = folder === undefined ? undefined : await findTaskTrace(folder, task)
  return found ?? (await explainMissing(task, context, options))
}

async function explainMissing(task: string, context: Context, options: ServerFlags): Promise<never> {
  const { config } = context
  const { url } = await locateServerFor(context, options)
  await using server = await openClientFor(context, options)
  const { createdAt } = await server.task(task).catch((error: unknown) => {
    throw error instanceof PixelflowError && error.status === 404 ? unknownTask(task, error) : error
  })
  const { traceRingFolder: folder } = config
  const files = upFiles(config.dataDir)
  const up = (await isHeld(files.upLock)) ? await files.read() : null
  if (up?.url !== url) {
    throw new CliError('failed', `The server at ${url} does not record traces in a folder of this machine.`, {
      remedy:
        'Find the trace in the collector of that server, which OTEL_EXPORTER_OTLP_ENDPOINT names, by the attribute ' +
        `pixelflow.task.id=${task}. If it runs here, set PIXELFLOW_TRACE_RING_DIR or PIXELFLOW_DATA_DIR as it does.`,
    })
  }
  if (folder === undefined) {
    throw new CliError('failed', 'The server does not record traces.', {
      field: config.traceRingBytes === 0 ? 'PIXELFLOW_TRACE_RING_SIZE' : 'PIXELFLOW_TRACE_RING_DIR',
      remedy:
        'Start ./pixelflow up on a loopback address, or with PIXELFLOW_TRACE_RING_DIR, and run the task again.',
    })
  }
  const [oldest] = await listRing(folder)
  if (oldest === undefined || oldest.startedMs > Date.parse(createdAt)) {
    throw new CliError('failed', `The trace of task ${task} is no longer kept.`, {
      remedy:
        'Run the task again: ./pixelflow tasks retry keeps the recipe. PIXELFLOW_TRACE_RING_SIZE keeps more traces.',
    })
  }
  throw new CliError('failed', `No trace of task ${task} was recorded.`, {
    remedy:
      'Try again in a second, because spans are written with a delay. Tasks of earlier runs without tracing have none.',
  })
}

function unknownTask(task: string, cause: PixelflowError): CliError {
  return new CliError('failed', `You have no task ${task}.`, {
    remedy:
      'Check the id, and that the token is of the account that created it. ./pixelflow tasks lists the ids of your tasks.',
    requestId: cause.requestId,
    cause,
  })
}
