import { duration, flag, integer } from './setting.ts'

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
