import type { Meters } from '@pixelflow/fabric/telemetry/metrics'
import type { Examine } from '../transports/rest/health.ts'
import type { gatewayMetrics } from './table.ts'

/** Tells with each reading how the gateway is, in numbers: what `/health/` says in words. */
export function watchState(meters: Meters<typeof gatewayMetrics>, examine: Examine): void {
  const ready = meters.gauge('ready')
  const brokerUp = meters.gauge('brokerUp')
  const brokerSeconds = meters.gauge('brokerSeconds')
  const position = meters.gauge('followerPosition')
  const behind = meters.gauge('followerBehind')
  const watchers = meters.gauge('watchers')
  const leaving = meters.gauge('leavingBytes')
  const spooled = meters.gauge('spooledFiles')
  meters.before(async () => {
    const { status, checks, load } = await examine()
    ready(status === 'ok' ? 1 : 0, {})
    brokerUp(checks.broker.ok ? 1 : 0, {})
    brokerSeconds((checks.broker.roundTripMs ?? Number.NaN) / 1000, {})
    position(checks.events.position, {})
    behind(checks.events.behind ?? Number.NaN, {})
    watchers(load.watchers, {})
    leaving(load.leavingBytes, {})
    spooled(load.spooledFiles, {})
  })
}
