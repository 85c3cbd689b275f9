import { availableParallelism } from 'node:os'
import type { Values } from '@pixelflow/platform/config/read-settings'
import { bytes, duration, flag, integer, text } from '@pixelflow/platform/config/setting'
import { machineMemoryBytes } from './sandbox/machine-memory.ts'

const MiB = 2 ** 20
const cores = availableParallelism()

/** Settings of an actor process. */
export const actorSettings = {
  concurrency: integer('PIXELFLOW_ACTOR_CONCURRENCY', {
    fallback: cores,
    shownFallback: 'cores',
    min: 1,
    max: 256,
    help: 'Number of worker processes for queued tasks, which is the number of images processed at a time. Each uses one core.',
  }),
  liveConcurrency: integer('PIXELFLOW_LIVE_CONCURRENCY', {
    fallback: cores,
    shownFallback: 'cores',
    min: 0,
    max: 256,
    help: 'Number of further worker processes for calls that wait for the result. With 0, this actor takes no such calls.',
  }),
  previewSessions: integer('PIXELFLOW_PREVIEW_SESSIONS', {
    fallback: 32,
    min: 1,
    max: 4096,
    help: 'Limit of tuning sessions at a time. They share the workers for calls that wait.',
  }),
  previewScratchBytes: bytes('PIXELFLOW_PREVIEW_SCRATCH', {
    fallback: 512 * MiB,
    min: 64 * MiB,
    help: 'Limit of the scratch space for all tuning sessions together.',
  }),
  tuneIdleTimeoutMs: duration('PIXELFLOW_TUNE_IDLE_TIMEOUT', {
    fallback: 300_000,
    min: 1000,
    max: 86_400_000,
    help: 'Time without a change after which a tuning session ends.',
  }),
  taskTimeoutMs: duration('PIXELFLOW_TASK_TIMEOUT', {
    fallback: 120_000,
    min: 100,
    max: 86_400_000,
    help: 'Time limit of a task in a worker. Beyond it the worker is killed and the task fails with deadline_exceeded.',
  }),
  maxCpuMs: duration('PIXELFLOW_TASK_CPU_TIME', {
    fallback: 120_000,
    min: 100,
    max: 86_400_000,
    help: 'Limit of the processor time of a task, over all threads of the worker. Beyond it the task fails with deadline_exceeded.',
  }),
  maxAttempts: integer('PIXELFLOW_TASK_ATTEMPTS', {
    fallback: 5,
    min: 1,
    max: 100,
    help: 'Attempts at a task, when processes die or the store fails, before the task fails.',
  }),
  accountRunning: integer('PIXELFLOW_ACCOUNT_RUNNING', {
    fallback: 0,
    min: 0,
    max: 1_000_000,
    help: 'Limit of bulk tasks of one account that are running or next to run, on all actors together. Further ones wait for those of other accounts. 0 means no limit.',
  }),
  maxRssBytes: bytes('PIXELFLOW_CHILD_MAX_RSS', {
    fallback: 1024 * MiB,
    min: 128 * MiB,
    help: 'Memory limit of a worker. Beyond it the worker is killed and the task fails with resource_limit_exceeded.',
  }),
  childrenMemoryBytes: bytes('PIXELFLOW_CHILDREN_MEMORY', {
    fallback: Math.floor(machineMemoryBytes() * 0.75),
    shownFallback: 'three quarters of the memory of the machine or container',
    min: 128 * MiB,
    help: 'Memory for all images processed at a time, estimated from their number of pixels. Further images wait.',
  }),
  maxPixels: integer('PIXELFLOW_MAX_PIXELS', {
    fallback: 100_000_000,
    min: 1,
    max: 2 ** 40,
    help: 'Limit of the pixels (width times height) of an image. Larger images are rejected with too_many_pixels.',
  }),
  scratchDir: text('PIXELFLOW_SCRATCH_DIR', {
    fallback: undefined,
    shownFallback: 'in memory (tmpfs) if it has enough space, else the folder for temporary files',
    expects: 'the path of a folder that can be written to',
    help: 'Folder for the files of work in progress.',
  }),
  drainTimeoutMs: duration('PIXELFLOW_DRAIN_TIMEOUT', {
    fallback: 8_000,
    max: 3_600_000,
    help: 'Time after SIGTERM for work in progress to finish. Then it is stopped and its jobs return to the queue.',
  }),
  reconcileAfterMs: duration('PIXELFLOW_RECONCILE_AFTER', {
    fallback: 10_000,
    min: 100,
    max: 3_600_000,
    help: 'Age at which an accepted task is checked and queued if it is not queued yet.',
  }),
  exitWithParent: flag('PIXELFLOW_EXIT_WITH_PARENT', {
    fallback: false,
    help: 'Whether to stop when standard input closes, for supervisors on systems without a parent-death signal.',
  }),
}

export type ActorSettings = Values<typeof actorSettings>
