import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** Counts requests of the HTTP port. */
export interface RequestMeter {
  start(): void
  /** @param route template of the path; undefined for an unknown path */
  end(method: string, route: string | undefined, status: number, seconds: number): void
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export function createRequestMeter(meters: Meters<typeof gatewayMetrics>): RequestMeter {
  const count = meters.counter('requests')
  const time = meters.histogram('requestSeconds')
  let inFlight = 0
  meters.observe('requestsInFlight', () => inFlight)
  return {
    start: () => void (inFlight += 1),
    end(sent, found, status, seconds) {
      inFlight -= 1
      // A client must not be able to create series.
      const method = methods.has(sent) ? sent : 'other'
      const route = found ?? 'other'
      count(1, { method, route, status: String(status) })
      time(seconds, { method, route })
    },
  }
}
