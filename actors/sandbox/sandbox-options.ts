import { extname, join } from 'node:path'
import type { SandboxHooks, SandboxOptions } from './sandbox.ts'
import { createWorkerLauncher, type WorkerLauncher } from './worker-launcher.ts'

/** The settings of an actor that limit its workers. */
export interface WorkerSettings {
  /** Wall-clock and CPU time of one work item, in milliseconds. */
  readonly taskTimeoutMs: number
  readonly maxCpuMs: number
  /** Resident memory of a worker, in bytes. */
  readonly maxRssBytes: number
  /** Memory of all work at a time, in bytes. */
  readonly workerMemoryBytes: number
  readonly maxPixels: number
}

/** Time for the first worker to start, in milliseconds; a slow machine compiles sharp's loader for some seconds. */
export const workerStartTimeoutMs = 30_000
/** Far more than decoding needs. */
const maxOpenFiles = 256
const MiB = 2 ** 20

export function workerLauncherFor({ maxRssBytes }: WorkerSettings): WorkerLauncher {
  const command = [
    process.execPath,
    '--no-env-file',
    '--no-install',
    // Beside this file, and beside the bundle that contains it.
    join(import.meta.dir, `worker-entry${extname(import.meta.path)}`),
  ]
  return createWorkerLauncher(command, { maxFileBytes: maxRssBytes, maxOpenFiles })
}

/** The limits of a worker, for the log at the start. */
export function describeBounds(settings: WorkerSettings, { hasNoNetwork, isBound }: WorkerLauncher) {
  return {
    memory: `${settings.maxRssBytes / MiB} MiB each, ${Math.round(settings.workerMemoryBytes / MiB)} MiB all`,
    time: `${settings.taskTimeoutMs / 1000} s, ${settings.maxCpuMs / 1000} s of processor time`,
    pixels: settings.maxPixels,
    files: `${maxOpenFiles} open, ${settings.maxRssBytes / MiB} MiB each`,
    network: hasNoNetwork ? 'none' : 'that of the actor: this kernel or container allows no namespaces',
    parent: isBound ? 'killed with the actor, no new privileges' : 'ends when its pipe closes',
    environment: 'empty',
  }
}

/**
 * The sandbox of a shipped actor.
 * @param cwd where each worker gets a folder; it must be on a file system with free space
 */
export function createSandboxOptions(
  settings: WorkerSettings,
  { command }: WorkerLauncher,
  cwd: string,
  hooks: SandboxHooks,
): Omit<SandboxOptions, 'workers' | 'memory'> {
  const { taskTimeoutMs, maxRssBytes, maxCpuMs } = settings
  return {
    command,
    env: {
      NODE_ENV: 'production',
      // Keeps decoders that are not made for hostile files off, even if one were requested.
      VIPS_BLOCK_UNTRUSTED: '1',
      // Makes glibc return freed memory sooner.
      MALLOC_ARENA_MAX: '2',
      // A worker without work wakes for this every 5 s; the default is ten times a second.
      MIMALLOC_PURGE_HOLES_MIN_INTERVAL: '5000',
    },
    cwd,
    warmWorkers: 1,
    spareAfterMs: 500,
    idleWorkerMs: 60_000,
    startTimeoutMs: workerStartTimeoutMs,
    timeLimitMs: taskTimeoutMs,
    maxRssBytes,
    maxCpuMs,
    circuitBreaker: { maxCrashes: 20, windowMs: 60_000, openMs: 30_000 },
    recycleRssBytes: Math.max(256 * MiB, maxRssBytes / 2),
    recycleAfter: 1000,
    restartPauseMs: 250,
    preemptAfterMs: 1000,
    hooks,
  }
}
