import { PixelflowError } from '@pixelflow/client'
import { findTaskTrace, type TaskTrace } from '@pixelflow/platform/telemetry/tracing/ring/find-task-trace'
import { listRing } from '@pixelflow/platform/telemetry/tracing/ring/read-ring'
import { CliError } from '../cli-error.ts'
import { locateServerFor, openClientFor, type ServerFlags } from '../commands/server-flags.ts'
import type { Context } from '../context.ts'
import { isHeld } from '../lock.ts'
import { upFiles, type UpRecord } from '../stack/up-files.ts'

/**
 * Finds the trace of a task among the recent traces of this machine: in the folder that the settings name, and in that of the
 * server which runs on this data folder.
 * @throws CliError with the reason why there is none.
 */
export async function findTrace(task: string, context: Context, options: ServerFlags): Promise<TaskTrace> {
  const { config } = context
  const up = await readRunningUp(config.dataDir)
  const folders = new Set([config.traceRingFolder, up?.traceRingFolder ?? undefined])
  for (const folder of folders) {
    const found = folder === undefined ? undefined : await findTaskTrace(folder, task)
    if (found !== undefined) return found
  }
  return explainMissing(task, up, context, options)
}

async function readRunningUp(dataDir: string): Promise<UpRecord | null> {
  const files = upFiles(dataDir)
  return (await isHeld(files.upLock)) ? files.read() : null
}

async function explainMissing(
  task: string,
  up: UpRecord | null,
  context: Context,
  options: ServerFlags,
): Promise<never> {
  const { config } = context
  const { url } = await locateServerFor(context, options)
  await using server = await openClientFor(context, options)
  const { createdAt } = await server.task(task).catch((error: unknown) => {
    throw error instanceof PixelflowError && error.status === 404 ? unknownTask(task, error) : error
  })
  if (up?.url !== url) {
    throw new CliError('failed', `The server at ${url} does not record traces in a folder of this machine.`, {
      remedy:
        'Find the trace in the collector of that server, which OTEL_EXPORTER_OTLP_ENDPOINT names, by the attribute ' +
        `pixelflow.task.id=${task}. If it runs here, set PIXELFLOW_TRACE_RING_DIR or PIXELFLOW_DATA_DIR as it does.`,
    })
  }
  // Older versions do not report the folder. Then the settings of this command are the best guess.
  const folder = up.traceRingFolder === undefined ? config.traceRingFolder : (up.traceRingFolder ?? undefined)
  if (folder === undefined) {
    throw new CliError('failed', `The server at ${url} does not record traces.`, {
      field: 'PIXELFLOW_TRACE_RING_DIR',
      remedy:
        'Restart ./pixelflow up with PIXELFLOW_TRACE_RING_DIR, or on a loopback address, and without ' +
        'PIXELFLOW_TRACE_RING_SIZE=0. Then run the task again.',
    })
  }
  const [oldest] = await listRing(folder)
  if (oldest === undefined || oldest.startedMs > Date.parse(createdAt)) {
    throw new CliError('failed', `The trace of task ${task} is no longer kept.`, {
      remedy:
        'Run the task again: ./pixelflow tasks retry keeps the recipe. PIXELFLOW_TRACE_RING_SIZE keeps more traces.',
    })
  }
  throw new CliError('failed', `No trace of task ${task} was recorded in ${folder}.`, {
    remedy:
      'If the task is new, try again in a second, because spans are written with a delay. Tasks of earlier runs without ' +
      'tracing, or with another PIXELFLOW_TRACE_RING_DIR, have none there.',
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
