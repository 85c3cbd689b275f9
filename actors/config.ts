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
    help: 'Images worked on at once: so many child processes are kept, each with one core of work.',
  }),
  liveConcurrency: integer('PIXELFLOW_LIVE_CONCURRENCY', {
    fallback: cores,
    shownFallback: 'cores',
    min: 0,
    max: 256,
    help: 'Images worked on at once for callers who wait for the answer, beside those of the queue, with child processes of their own; 0 leaves them to other actors.',
  }),
  previewSessions: integer('PIXELFLOW_PREVIEW_SESSIONS', {
    fallback: 32,
    min: 1,
    max: 4096,
    help: 'Pictures tuned at once; they share the children for callers who wait.',
  }),
  previewScratchBytes: bytes('PIXELFLOW_PREVIEW_SCRATCH', {
    fallback: 512 * MiB,
    min: 64 * MiB,
    help: 'Scratch space that the copies of all pictures being tuned may take together.',
  }),
  tuneIdleTimeoutMs: duration('PIXELFLOW_TUNE_IDLE_TIMEOUT', {
    fallback: 300_000,
    min: 1000,
    max: 86_400_000,
    help: 'How long a picture may be tuned without a change before its session is ended.',
  }),
  taskTimeoutMs: duration('PIXELFLOW_TASK_TIMEOUT', {
    fallback: 120_000,
    min: 100,
    max: 86_400_000,
    help: 'How long a child may work on one task; then it is killed and the task fails with deadline_exceeded.',
  }),
  maxCpuMs: duration('PIXELFLOW_TASK_CPU_TIME', {
    fallback: 120_000,
    min: 100,
    max: 86_400_000,
    help: 'Processor time a child may spend on one task, over all its threads; then it is killed likewise.',
  }),
  maxAttempts: integer('PIXELFLOW_TASK_ATTEMPTS', {
    fallback: 5,
    min: 1,
    max: 100,
    help: 'How often a task is tried, when processes die or the store is in trouble, before it fails.',
  }),
  accountRunning: integer('PIXELFLOW_ACCOUNT_RUNNING', {
    fallback: 0,
    min: 0,
    max: 1_000_000,
    help: 'Bulk tasks of one account that are worked on or about to be, on all actors together; its further ones let others go first. 0 is no limit.',
  }),
  maxRssBytes: bytes('PIXELFLOW_CHILD_MAX_RSS', {
    fallback: 1024 * MiB,
    min: 128 * MiB,
    help: 'Memory a child may hold; beyond it is killed and the task fails with resource_limit_exceeded.',
  }),
  childrenMemoryBytes: bytes('PIXELFLOW_CHILDREN_MEMORY', {
    fallback: Math.floor(machineMemoryBytes() * 0.75),
    shownFallback: 'three quarters of the memory of the machine or container',
    min: 128 * MiB,
    help: 'Memory that all images worked on at once may take, by their number of pixels; further ones wait.',
  }),
  maxPixels: integer('PIXELFLOW_MAX_PIXELS', {
    fallback: 100_000_000,
    min: 1,
    max: 2 ** 40,
    help: 'Pixels (width times height) an image may have; more are refused with too_many_pixels.',
  }),
  scratchDir: text('PIXELFLOW_SCRATCH_DIR', {
    fallback: undefined,
    shownFallback: 'in memory (tmpfs) if there is room, else the folder for temporary files',
    expects: 'the path of a folder that can be written to',
    help: 'Where sources and results lie while they are worked on.',
  }),
  drainTimeoutMs: duration('PIXELFLOW_DRAIN_TIMEOUT', {
    fallback: 8_000,
    max: 3_600_000,
    help: 'How long work in progress may go on after SIGTERM, before it is broken off or given back.',
  }),
  reconcileAfterMs: duration('PIXELFLOW_RECONCILE_AFTER', {
    fallback: 10_000,
    min: 100,
    max: 3_600_000,
    help: 'Age at which an accepted task is checked for having been queued.',
  }),
  exitWithParent: flag('PIXELFLOW_EXIT_WITH_PARENT', {
    fallback: false,
    help: 'Whether to stop when standard input closes, for supervisors on systems without a parent-death signal.',
  }),
}

export type ActorSettings = Values<typeof actorSettings>
