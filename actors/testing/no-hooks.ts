import type { SandboxHooks } from '../sandbox/sandbox.ts'

export const noHooks: SandboxHooks = {
  onWorkerLost: () => {},
  onCircuitOpen: () => {},
  onPreempted: () => {},
  onStartFailed: () => {},
}
