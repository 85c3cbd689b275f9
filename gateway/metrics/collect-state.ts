import { within } from '@pixelflow/core/within'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { CheckHealth } from '../transports/shared/health-view.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** Maximum time that a check may delay a scrape. */
const timeoutMs = 1000

/** With each scrape, sets the metrics of the gateway's health and the number of dead letters. */
export function collectState(
  meters: Meters<typeof gatewayMetrics>,
  checkHealth: CheckHealth,
  countDeadLetters: () => Promise<number>,
): void {
  const ready = meters.gauge('ready')
  const brokerUp = meters.gauge('brokerUp')
  const brokerSeconds = meters.gauge('brokerSeconds')
  const sequence = meters.gauge('taskListSequence')
  const lagEvents = meters.gauge('taskListLagEvents')
  const watchers = meters.gauge('watchers')
  const lagSeconds = meters.gauge('taskListLagSeconds')
  const deadLetters = meters.gauge('deadLetters')
  const inFlightBytes = meters.gauge('inFlightResponseBytes')
  const spooled = meters.gauge('spooledFiles')
  meters.beforeCollect(async () => {
    const count = countDeadLetters().catch(() => undefined)
    const [{ status, checks, load }, found] = await Promise.all([checkHealth(), within(count, timeoutMs)])
    ready(status === 'ok' ? 1 : 0, {})
    brokerUp(checks.broker.ok ? 1 : 0, {})
    brokerSeconds((checks.broker.roundTripMs ?? Number.NaN) / 1000, {})
    sequence(checks.taskList.sequence, {})
    lagEvents(checks.taskList.lagEvents ?? Number.NaN, {})
    lagSeconds((checks.taskList.lagMs ?? Number.NaN) / 1000, {})
    deadLetters(found ?? Number.NaN, {})
    watchers(load.watchers, {})
    inFlightBytes(load.inFlightResponseBytes, {})
    spooled(load.spooledFiles, {})
  })
}
