import { join } from 'node:path'
import { createWorkerLauncher, type WorkerLauncher } from './worker-launcher.ts'
import type { SandboxHooks, SandboxOptions } from './sandbox.ts'

/** How the children of a shipped actor are held. */

/** What of it operators set. */
export interface WorkerSettings {
  /** Wall-clock and processor time of one piece of work, in milliseconds. */
  readonly taskTimeoutMs: number
  readonly maxCpuMs: number
  /** Resident memory of a child, in bytes. */
  readonly maxRssBytes: number
  /** Memory that all work at a time may take, in bytes. */
  readonly childrenMemoryBytes: number
  readonly maxPixels: number
}

/** How long the first child may take to start, in milliseconds; slow machines compile sharp's loader for a while. */
export const workerStartTimeoutMs = 30_000
/** Far more than decoding takes. */
const maxOpenFiles = 256
const MiB = 2 ** 20

export function workerLauncherFor({ maxRssBytes }: WorkerSettings): WorkerLauncher {
  const command = [
    process.execPath,
    '--no-env-file',
    '--no-install',
    join(import.meta.dir, 'worker-entry.ts'),
  ]
  return createWorkerLauncher(command, { maxFileBytes: maxRssBytes, maxOpenFiles })
}

/** What holds a child, as an operator should see it at the start. */
export function describeBounds(settings: WorkerSettings, { hasNoNetwork, isBound }: WorkerLauncher) {
  return {
    memory: `${settings.maxRssBytes / MiB} MiB a child, ${Math.round(settings.childrenMemoryBytes / MiB)} MiB all`,
    time: `${settings.taskTimeoutMs / 1000} s, ${settings.maxCpuMs / 1000} s of processor time`,
    pixels: settings.maxPixels,
    files: `${maxOpenFiles} open, ${settings.maxRssBytes / MiB} MiB each`,
    network: hasNoNetwork ? 'none' : 'that of the actor: this kernel or container allows no namespaces',
    parent: isBound ? 'ends with the actor, gains no privileges' : 'ends with its pipe',
    environment: 'empty',
  }
}

/** @param cwd where children get a folder each for what they put aside; it must be on a file system with room */
export function sandboxOptions(
  settings: WorkerSettings,
  { command }: WorkerLauncher,
  cwd: string,
  tell: SandboxHooks,
): Omit<SandboxOptions, 'children' | 'memory'> {
  const { taskTimeoutMs, maxRssBytes, maxCpuMs } = settings
  return {
    command,
    env: {
      NODE_ENV: 'production',
      // Decoders that were not made for hostile files stay off even if one were asked for.
      VIPS_BLOCK_UNTRUSTED: '1',
      // Memory of one thread is given back sooner when few arenas hold it.
      MALLOC_ARENA_MAX: '2',
    },
    cwd,
    startTimeoutMs: workerStartTimeoutMs,
    timeLimitMs: taskTimeoutMs,
    maxRssBytes,
    maxCpuMs,
    circuitBreaker: { most: 20, withinMs: 60_000, restMs: 30_000 },
    recycleRssBytes: Math.max(256 * MiB, maxRssBytes / 2),
    recycleAfter: 1000,
    restartPauseMs: 250,
    preemptAfterMs: 1000,
    tell,
  }
}
