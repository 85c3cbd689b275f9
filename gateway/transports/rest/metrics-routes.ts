import { metricsMediaType } from '@pixelflow/platform/telemetry/meters'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { MetricsAccess } from '../../metrics/metrics-access.ts'
import { authenticate } from '../shared/authenticate.ts'
import * as calls from '../../calls/calls.gen.ts'
import { createInputReader } from './input-reader.ts'
import { acceptsEncoding } from './static-file.ts'

export interface MetricsRouteOptions {
  readonly authenticator: Authenticator
  readonly metricsAccess: MetricsAccess
  /** All metrics in the Prometheus text format. */
  readonly metricsText: () => Promise<string>
}

/** `GET /metrics`, for Prometheus. */
export function metricsRoutes({ authenticator, metricsAccess, metricsText }: MetricsRouteOptions) {
  const app = new Elysia({ name: 'metrics' })
  if (metricsAccess === 'off') return app
  const { checkQuery } = createInputReader(calls.getMetrics)
  return app.get('/metrics', async ({ request }) => {
    authenticate(metricsAccess === 'open' ? 'public' : calls.getMetrics.access, request, authenticator)
    checkQuery(request)
    const text = await metricsText()
    const headers = { 'content-type': metricsMediaType, 'cache-control': 'no-store', vary: 'Accept-Encoding' }
    // Metric names repeat, so gzip reduces the text to a fifteenth.
    return acceptsEncoding(request.headers.get('accept-encoding') ?? '', 'gzip')
      ? new Response(Bun.gzipSync(text), { headers: { ...headers, 'content-encoding': 'gzip' } })
      : new Response(text, { headers })
  })
}
