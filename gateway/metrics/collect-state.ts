import { pause } from '@pixelflow/core/pause'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { CheckHealth } from '../transports/shared/health-view.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** A reading is not held up for longer. */
const patienceMs = 1000

/** Tells with each reading how the gateway is, in numbers: what `/health/` says in words, and what waits for operators. */
export function collectState(
  meters: Meters<typeof gatewayMetrics>,
  checkHealth: CheckHealth,
  countLetters: () => Promise<number>,
): void {
  const ready = meters.gauge('ready')
  const brokerUp = meters.gauge('brokerUp')
  const brokerSeconds = meters.gauge('brokerSeconds')
  const position = meters.gauge('followerPosition')
  const behind = meters.gauge('followerBehind')
  const watchers = meters.gauge('watchers')
  const lag = meters.gauge('followerLag')
  const letters = meters.gauge('deadLetters')
  const leaving = meters.gauge('leavingBytes')
  const spooled = meters.gauge('spooledFiles')
  meters.before(async () => {
    const counted = countLetters().catch(() => Number.NaN)
    const late = pause(patienceMs).then(() => Number.NaN)
    const [{ status, checks, load }, found] = await Promise.all([
      checkHealth(),
      Promise.race([counted, late]),
    ])
    ready(status === 'ok' ? 1 : 0, {})
    brokerUp(checks.broker.ok ? 1 : 0, {})
    brokerSeconds((checks.broker.roundTripMs ?? Number.NaN) / 1000, {})
    position(checks.events.position, {})
    behind(checks.events.behind ?? Number.NaN, {})
    lag((checks.events.lagMs ?? Number.NaN) / 1000, {})
    letters(found, {})
    watchers(load.watchers, {})
    leaving(load.leavingBytes, {})
    spooled(load.spooledFiles, {})
  })
}
