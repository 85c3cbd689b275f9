import { metricsMediaType } from '@pixelflow/platform/telemetry/meters'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { MetricsAccess } from '../../metrics/metrics-access.ts'
import { originCheck, authenticate } from '../shared/authenticate.ts'
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
export function metricsRoutes({ authenticator, metricsAccess: access, metricsText }: MetricsRouteOptions) {
  const app = new Elysia({ name: 'metrics' })
  const reader = createInputReader(calls.getMetrics)
  const respond = async ({ request }: { request: Request }) => {
    reader.checkQuery(request)
    const text = await metricsText()
    const headers = { 'content-type': metricsMediaType, 'cache-control': 'no-store', vary: 'Accept-Encoding' }
    // Metric names repeat, so gzip reduces the text to a fifteenth.
    return acceptsEncoding(request.headers.get('accept-encoding') ?? '', 'gzip')
      ? new Response(Bun.gzipSync(text), { headers: { ...headers, 'content-encoding': 'gzip' } })
      : new Response(text, { headers })
  }
  switch (access) {
    case 'token':
      return app.use(authenticate(authenticator)).get('/metrics', respond)
    case 'open':
      return app.use(originCheck(authenticator)).get('/metrics', respond)
    case 'off':
      return app
  }
}
