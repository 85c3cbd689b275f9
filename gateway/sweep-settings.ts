import { InvalidSettings, type Values } from '@pixelflow/platform/config/read-settings'
import { duration, printDuration } from '@pixelflow/platform/config/setting'

/** Settings of the sweeps, which delete stored bytes that no record refers to. */
export const sweepSettings = {
  sweepIntervalMs: duration('PIXELFLOW_SWEEP_INTERVAL', {
    fallback: 3_600_000,
    min: 1000,
    max: 7 * 86_400_000,
    help: 'How often the elected gateway deletes stored bytes that no record refers to.',
  }),
  sweepGraceMs: duration('PIXELFLOW_SWEEP_GRACE', {
    fallback: 3_600_000,
    min: 120_000,
    max: 7 * 86_400_000,
    help: 'Age, by the clock of the broker, at which a sweep may delete bytes: at least 2m, and at least 1m longer than PIXELFLOW_UPLOAD_IDLE_TIMEOUT.',
  }),
}

/** Least difference between the pause of an upload and the grace; a chunk is buffered for up to half of it. */
const marginMs = 60_000

/** @throws InvalidSettings for a grace so short that a sweep would delete the chunks of an upload that pauses. */
export function requireGrace({
  sweepGraceMs,
  uploadIdleTimeoutMs,
}: Values<typeof sweepSettings> & { readonly uploadIdleTimeoutMs: number }): void {
  if (sweepGraceMs >= uploadIdleTimeoutMs + marginMs) return
  throw new InvalidSettings([
    {
      variable: `PIXELFLOW_SWEEP_GRACE=${printDuration(sweepGraceMs)}`,
      problem: `is not a minute longer than PIXELFLOW_UPLOAD_IDLE_TIMEOUT=${printDuration(uploadIdleTimeoutMs)}`,
      remedy: 'Make it longer: a sweep would delete the chunks of an upload that pauses.',
    },
  ])
}
