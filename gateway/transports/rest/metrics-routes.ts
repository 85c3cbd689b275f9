import { metricsMediaType } from '@pixelflow/platform/telemetry/meters'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { MetricsAccess } from '../../metrics/metrics-access.ts'
import { authenticate } from '../shared/authenticate.ts'
import * as calls from '../../calls/calls.gen.ts'
import { createInputReader } from './input-reader.ts'
import { sendText } from './send-text.ts'

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
    // Metric names repeat, so compression reduces the text to a fifteenth.
    return sendText(request, await metricsText(), {
      headers: { 'content-type': metricsMediaType, 'cache-control': 'no-store' },
    })
  })
}
