import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { gatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { WatchedTls } from './watch-tls.ts'

/** A connection was refused in its handshake: from where, and the library's code for why. */
export type ReportRefusedHandshake = (peer: string, reason: string) => void

/** Milliseconds between two lines that any client can cause. */
const pauseMs = 1000

/** Writes at most one line a second; `leftOut` of the next line is the number of lines not written. */
export function createRateLimitedLog(
  write: (fields: Record<string, string | number>) => void,
): (fields: Record<string, string | number>) => void {
  let quietUntil = 0
  let leftOut = 0
  return (fields) => {
    if (performance.now() < quietUntil) return void (leftOut += 1)
    write({ ...fields, ...(leftOut === 0 ? {} : { leftOut }) })
    quietUntil = performance.now() + pauseMs
    leftOut = 0
  }
}

/**
 * Tells in numbers when the certificate ends, and in numbers and words which connections each port refuses: a client
 * hears next to nothing, so its owner will ask here.
 */
export function createTlsLog(
  tls: WatchedTls,
  meters: Meters<typeof gatewayMetrics>,
  log: Logger,
): (port: 'http' | 'grpc') => ReportRefusedHandshake {
  const tellEnd = meters.gauge('tlsEnds')
  tellEnd(tls.current.until.getTime() / 1000, {})
  tls.onChange(({ until }) => tellEnd(until.getTime() / 1000, {}))
  const count = meters.counter('tlsRefused')
  const tell = createRateLimitedLog((fields) => log.info('TLS refused', fields))
  return (port) => {
    count(0, { port })
    return (peer, reason) => {
      // Somebody looked whether the port is open, or did not like our certificate: nothing that we refused.
      if (reason === 'ECONNRESET') return
      count(1, { port })
      tell({ port, peer, reason })
    }
  }
}

/** The library's code for a failed handshake, as `CERT_HAS_EXPIRED`. */
export function errorCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
