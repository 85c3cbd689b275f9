import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { Protocol } from './call-meters.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** The transport of an open stream. */
export type Transport = Protocol | 'sse' | 'websocket'

/** Counts an open stream. Returns the function to call when the stream ends; further calls have no effect. */
export type OpenStream = (transport: Transport) => () => void

export function createStreamMeter(meters: Meters<typeof gatewayMetrics>): OpenStream {
  const setStreams = meters.gauge('streams')
  const open: Record<Transport, number> = { grpc: 0, grpc_web: 0, connect: 0, sse: 0, websocket: 0 }
  const change = (transport: Transport, by: number) => setStreams((open[transport] += by), { transport })
  for (const transport of Object.keys(open) as Transport[]) change(transport, 0)
  return (transport) => {
    let isOver = false
    change(transport, 1)
    return () => {
      if (isOver) return
      isOver = true
      change(transport, -1)
    }
  }
}
