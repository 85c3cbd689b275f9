import { waitFor } from '@pixelflow/testkit/wait-for'
import { readCpuMs } from '../sandbox/read-cpu-ms.ts'

/** Waits until one of these workers is in the middle of its work: it has used 50 ms of CPU time since the call. */
export async function waitForBusyWorker(pids: readonly number[]): Promise<void> {
  const before = pids.map(readCpuMs)
  const readUsedMs = () => pids.map((pid, i) => readCpuMs(pid) - (before[i] ?? 0))
  await waitFor('worker busy', readUsedMs, (used) => used.some((ms) => ms >= 50))
}
