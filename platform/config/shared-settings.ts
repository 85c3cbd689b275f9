import { bytes, duration, flag, integer, text } from './setting.ts'

const MiB = 2 ** 20

/** Settings that mean the same in a gateway and in an actor, declared once so that both accept the same values. */
export const sharedSettings = {
  maxPixels: integer('PIXELFLOW_MAX_PIXELS', {
    default: 100_000_000,
    min: 1,
    max: 4_000_000_000,
    help: 'Largest number of pixels (width × height) of an image. Larger images are rejected with too_many_pixels.',
  }),
  tuneIdleTimeoutMs: duration('PIXELFLOW_TUNE_IDLE_TIMEOUT', {
    default: 300_000,
    min: 1000,
    max: 86_400_000,
    help: 'Time without a change after which a tuning session ends.',
  }),
  sharedCacheDir: text('PIXELFLOW_SHARED_CACHE_DIR', {
    default: undefined,
    defaultDescription: 'none; `up` uses one in memory (tmpfs), or in the data folder',
    expects: 'the path of a folder that no other user can enter, or that does not exist',
    help: 'Folder in which the gateway and the actors of one machine keep copies of what they have just stored, so that the others need not read it back from the store, and pass on the images of synchronous calls. It is created when it does not exist; the mode of an existing folder is not changed.',
  }),
  sharedCacheBytes: bytes('PIXELFLOW_SHARED_CACHE_BYTES', {
    default: 64 * MiB,
    min: 0,
    max: 1024 * 1024 * MiB,
    help: 'Limit of these copies for each process. A file of more than a quarter of it is not copied. With 0, nothing is.',
  }),
  sharedCacheAgeMs: duration('PIXELFLOW_SHARED_CACHE_AGE', {
    default: 60_000,
    min: 100,
    max: 3_600_000,
    help: 'Age at which such a copy is removed.',
  }),
  drainTimeoutMs: duration('PIXELFLOW_DRAIN_TIMEOUT', {
    default: 8000,
    max: 3_600_000,
    help: 'Time after SIGTERM for requests and tasks in progress to finish. Then they are stopped, and the jobs of an actor return to the queue.',
  }),
  exitWithParent: flag('PIXELFLOW_EXIT_WITH_PARENT', {
    default: false,
    help: 'Whether to stop when standard input closes, which happens when the parent process ends.',
  }),
}
