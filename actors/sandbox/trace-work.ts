import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { nowMs } from '@pixelflow/platform/telemetry/tracing/now-ms'
import { bindToSpan, inSpan, recordSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import type { Worker, WorkItem, WorkResult } from './worker.ts'

/** Runs a work item within a span, with a span for each stage that the worker reports. */
export function traceWork(worker: Worker, work: WorkItem): Promise<WorkResult> {
  return inSpan('worker', { kind: 'client' }, async (span) => {
    if (span.context === undefined) return worker.run(work)
    const beganMs = nowMs()
    // Notes arrive outside of the span.
    const result = await worker.run({ ...work, onNote: bindToSpan(work.onNote) })
    span.set(attributeNames.workerPid, worker.pid)
    if (result.status === 'killed' || result.status === 'died') {
      span.fail(result.status === 'killed' ? result.fault : `worker died: ${result.exit}`)
      return result
    }
    if (result.status === 'failed') span.fail(result.fault)
    else span.set(attributeNames.workerCpuMs, result.cpuMs)
    for (const { name, startMs, ms } of result.stages)
      recordSpan(name, { startMs: beganMs + startMs, endMs: beganMs + startMs + ms })
    return result
  })
}
