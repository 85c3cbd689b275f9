import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { gatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { WatchedTls } from './watch-tls.ts'

/** Called for a connection that fails its TLS handshake. @param reason error code of the TLS library */
export type ReportRefusedHandshake = (peer: string, reason: string) => void

/** Minimum time between two log lines that any client can cause. */
const logIntervalMs = 1000

/** Writes at most one line a second; `suppressed` of the next line is the number of lines not written. */
export function createRateLimitedLog(
  write: (fields: Record<string, string | number>) => void,
): (fields: Record<string, string | number>) => void {
  let nextAt = 0
  let suppressed = 0
  return (fields) => {
    if (performance.now() < nextAt) return void (suppressed += 1)
    write({ ...fields, ...(suppressed === 0 ? {} : { suppressed }) })
    nextAt = performance.now() + logIntervalMs
    suppressed = 0
  }
}

/**
 * Reports the expiry of the certificate as a metric, and failed handshakes of each listener as metrics and log lines. A client
 * sees little more than a closed connection, so its owner needs the reason from here.
 */
export function createTlsLog(
  tls: WatchedTls,
  meters: Meters<typeof gatewayMetrics>,
  log: Logger,
): (listener: 'http' | 'grpc') => ReportRefusedHandshake {
  const setExpiry = meters.gauge('tlsCertificateExpiration')
  setExpiry(tls.current.until.getTime() / 1000, {})
  tls.onChange(({ until }) => setExpiry(until.getTime() / 1000, {}))
  const count = meters.counter('tlsHandshakeFailures')
  const logRefusal = createRateLimitedLog((fields) => log.info('TLS handshake refused', fields))
  return (listener) => {
    count(0, { listener })
    return (peer, reason) => {
      // The client closed the connection: a port scan, or a client that does not trust our certificate.
      if (reason === 'ECONNRESET') return
      count(1, { listener })
      logRefusal({ listener, peer, reason })
    }
  }
}

/** The error code of the system or the TLS library, such as `CERT_HAS_EXPIRED`. */
export function errorCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
