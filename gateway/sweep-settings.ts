import { WrongSettings, type Values } from '@pixelflow/platform/config/read-settings'
import { duration, printDuration } from '@pixelflow/platform/config/setting'

/** Settings of the sweeps that remove stored bytes to which nothing refers. */
export const sweepSettings = {
  sweepIntervalMs: duration('PIXELFLOW_SWEEP_INTERVAL', {
    fallback: 3_600_000,
    min: 1000,
    max: 7 * 86_400_000,
    help: 'How often one of the gateways looks for stored bytes that nothing refers to, and removes them.',
  }),
  sweepGraceMs: duration('PIXELFLOW_SWEEP_GRACE', {
    fallback: 3_600_000,
    min: 120_000,
    max: 7 * 86_400_000,
    help: 'How old bytes must be, by the clock of the broker, before a sweep may remove them: at least 2m, and at least a minute longer than PIXELFLOW_UPLOAD_IDLE_TIMEOUT.',
  }),
}

/** Between the longest pause of an upload and the grace of a sweep: chunks wait up to half of that to be sent. */
const marginMs = 60_000

/** @throws WrongSettings for a grace in which a sweep would remove what a pausing upload has sent so far. */
export function requireGrace({
  sweepGraceMs,
  uploadIdleTimeoutMs,
}: Values<typeof sweepSettings> & { readonly uploadIdleTimeoutMs: number }): void {
  if (sweepGraceMs >= uploadIdleTimeoutMs + marginMs) return
  throw new WrongSettings([
    {
      variable: `PIXELFLOW_SWEEP_GRACE=${printDuration(sweepGraceMs)}`,
      problem: `is not a minute longer than PIXELFLOW_UPLOAD_IDLE_TIMEOUT=${printDuration(uploadIdleTimeoutMs)}`,
      remedy: 'Make it longer: a sweep would remove what an upload that pauses has sent so far.',
    },
  ])
}
