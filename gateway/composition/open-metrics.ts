import { openMeters, type Meters } from '@pixelflow/platform/telemetry/meters'
import { watchProcess } from '@pixelflow/platform/telemetry/process-metrics'
import { gatewayMetrics } from '../metrics/gateway-metrics.ts'
import { createStreamMeter, type OpenStream } from '../metrics/stream-meter.ts'

export interface Metrics extends AsyncDisposable {
  readonly meters: Meters<typeof gatewayMetrics>
  readonly openStream: OpenStream
}

/** The meters of this process and of the gateway. */
export function openMetrics(version: string): Metrics {
  const scope = new AsyncDisposableStack()
  const meters = scope.use(openMeters(gatewayMetrics))
  scope.use(watchProcess(meters, version))
  return {
    meters,
    openStream: createStreamMeter(meters),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  }
}
