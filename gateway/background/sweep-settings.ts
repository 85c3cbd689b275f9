import { duration } from '@pixelflow/platform/config/setting'

/** Settings of the sweeps, which delete stored bytes that no record refers to. */
export const sweepSettings = {
  sweepIntervalMs: duration('PIXELFLOW_SWEEP_INTERVAL', {
    default: 3_600_000,
    min: 1000,
    max: 7 * 86_400_000,
    help: 'How often the elected gateway deletes stored bytes that no record refers to.',
  }),
  sweepGraceMs: duration('PIXELFLOW_SWEEP_GRACE', {
    default: 3_600_000,
    min: 120_000,
    max: 7 * 86_400_000,
    help: 'Age, by the clock of the broker, at which a sweep may delete bytes: at least 2m, and at least 1m longer than PIXELFLOW_UPLOAD_IDLE_TIMEOUT.',
  }),
}
