import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { Protocol } from './call-meters.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

/** The protocol of an open stream. */
type StreamProtocol = Protocol | 'sse' | 'websocket'

/** Counts an open stream. Returns the function to call when the stream ends; further calls have no effect. */
export type OpenStream = (protocol: StreamProtocol) => () => void

export function createStreamMeter(meters: Meters<typeof gatewayMetrics>): OpenStream {
  const setStreams = meters.gauge('streams')
  const open: Record<StreamProtocol, number> = { grpc: 0, grpc_web: 0, connect: 0, sse: 0, websocket: 0 }
  const change = (protocol: StreamProtocol, by: number) => setStreams((open[protocol] += by), { protocol })
  for (const protocol of Object.keys(open) as StreamProtocol[]) change(protocol, 0)
  return (protocol) => {
    let hasEnded = false
    change(protocol, 1)
    return () => {
      if (hasEnded) return
      hasEnded = true
      change(protocol, -1)
    }
  }
}
