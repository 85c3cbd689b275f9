import { metricsMediaType } from '@pixelflow/platform/telemetry/meters'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { MetricsAccess } from '../../metrics/metrics-access.ts'
import { originCheck, authenticate } from '../shared/authenticate.ts'
import { acceptsEncoding } from './static-file.ts'

export interface MetricsRouteOptions {
  readonly authenticator: Authenticator
  readonly metricsAccess: MetricsAccess
  /** Everything that was measured, as Prometheus reads it. */
  readonly metricsText: () => Promise<string>
}

/** What Prometheus reads. */
export function metricsRoutes({ authenticator, metricsAccess: access, metricsText }: MetricsRouteOptions) {
  const app = new Elysia({ name: 'metrics' })
  const answer = async ({ request }: { request: Request }) => {
    const text = await metricsText()
    const headers = { 'content-type': metricsMediaType, 'cache-control': 'no-store', vary: 'Accept-Encoding' }
    // Names over and over: a fifteenth of it is left.
    return acceptsEncoding(request.headers.get('accept-encoding') ?? '', 'gzip')
      ? new Response(Bun.gzipSync(text), { headers: { ...headers, 'content-encoding': 'gzip' } })
      : new Response(text, { headers })
  }
  switch (access) {
    case 'token':
      return app.use(authenticate(authenticator)).get('/metrics', answer)
    case 'open':
      return app.use(originCheck(authenticator)).get('/metrics', answer)
    case 'off':
      return app
  }
}
