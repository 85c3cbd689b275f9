import { availableParallelism } from 'node:os'
import { jobKinds } from '@pixelflow/core/actor-kinds'
import type { Values } from '@pixelflow/platform/config/read-settings'
import { sharedSettings } from '@pixelflow/platform/config/shared-settings'
import { bytes, duration, integer, list, text } from '@pixelflow/platform/config/setting'
import { readMachineMemory } from './sandbox/read-machine-memory.ts'

const MiB = 2 ** 20
const cores = availableParallelism()

/** Settings of an actor process. */
export const actorSettings = {
  kinds: list('PIXELFLOW_ACTOR_KINDS', {
    default: jobKinds,
    defaultDescription: 'all',
    expects: jobKinds.join(' or '),
    pattern: new RegExp(`^(?:${jobKinds.join('|')})$`),
    describeMismatch: (kind) => `contains ${kind}, which is not a kind of task`,
    help: 'Kinds of task that this actor processes. It serves live sessions (synchronous calls and tuning) of every kind.',
  }),
  concurrency: integer('PIXELFLOW_ACTOR_CONCURRENCY', {
    default: cores,
    defaultDescription: 'cores',
    min: 1,
    max: 256,
    help: 'Limit of worker processes for queued tasks, which is the number of images processed at a time. Each uses one core.',
  }),
  liveConcurrency: integer('PIXELFLOW_LIVE_CONCURRENCY', {
    default: cores,
    defaultDescription: 'cores',
    min: 0,
    max: 256,
    help: 'Number of further worker processes for calls that wait for the result. With 0, this actor takes no such calls.',
  }),
  previewSessions: integer('PIXELFLOW_MAX_TUNE_SESSIONS', {
    default: 32,
    min: 1,
    max: 4096,
    former: 'PIXELFLOW_PREVIEW_SESSIONS',
    help: 'Limit of tuning sessions at a time. They share the workers for calls that wait.',
  }),
  previewScratchBytes: bytes('PIXELFLOW_TUNE_SCRATCH', {
    default: 512 * MiB,
    min: 64 * MiB,
    former: 'PIXELFLOW_PREVIEW_SCRATCH',
    help: 'Limit of the scratch space for all tuning sessions together.',
  }),
  taskTimeoutMs: duration('PIXELFLOW_TASK_TIMEOUT', {
    default: 120_000,
    min: 100,
    max: 86_400_000,
    help: 'Time limit of a task in a worker. Beyond it the worker is killed and the task fails with deadline_exceeded.',
  }),
  maxCpuMs: duration('PIXELFLOW_TASK_CPU_TIME', {
    default: 120_000,
    min: 100,
    max: 86_400_000,
    help: 'Limit of the processor time of a task, over all threads of the worker. Beyond it the task fails with deadline_exceeded.',
  }),
  maxAttempts: integer('PIXELFLOW_TASK_ATTEMPTS', {
    default: 5,
    min: 1,
    max: 100,
    help: 'Attempts at a task, when processes die or the store fails, before the task fails.',
  }),
  accountRunning: integer('PIXELFLOW_MAX_RUNNING_PER_ACCOUNT', {
    default: 0,
    min: 0,
    max: 1_000_000,
    former: 'PIXELFLOW_ACCOUNT_RUNNING',
    help: 'Limit of bulk tasks of one account that are running or next to run, on all actors together. Further ones wait for those of other accounts. 0 means no limit.',
  }),
  maxRssBytes: bytes('PIXELFLOW_WORKER_MAX_RSS', {
    default: 1024 * MiB,
    min: 128 * MiB,
    former: 'PIXELFLOW_CHILD_MAX_RSS',
    help: 'Memory limit of a worker. Beyond it the worker is killed and the task fails with resource_limit_exceeded.',
  }),
  workerMemoryBytes: bytes('PIXELFLOW_WORKER_MEMORY', {
    default: Math.floor(readMachineMemory() * 0.75),
    defaultDescription: 'three quarters of the memory of the machine or container',
    min: 128 * MiB,
    former: 'PIXELFLOW_CHILDREN_MEMORY',
    help: 'Memory for all images processed at a time, estimated from their number of pixels. Further images wait.',
  }),
  scratchDir: text('PIXELFLOW_SCRATCH_DIR', {
    default: undefined,
    defaultDescription: 'in memory (tmpfs) if it has enough space, else the folder for temporary files',
    expects: 'the path of a folder that can be written to',
    help: 'Folder for the files of work in progress.',
  }),
  ...sharedSettings,
}

export type ActorSettings = Values<typeof actorSettings>
