import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { SandboxHooks } from './sandbox.ts'

/** Logs what happens in a sandbox. */
export function logSandbox(log: Logger): SandboxHooks {
  return {
    onWorkerLost: (details) => log.warn('worker lost', { ...details }),
    onCircuitOpen: (details) => log.error('circuit breaker opened', { ...details }),
    onPreempted: (details) => log.info('work preempted for another account', { ...details }),
    onStartFailed: (details) => log.error('worker failed to start', { ...details }),
  }
}
