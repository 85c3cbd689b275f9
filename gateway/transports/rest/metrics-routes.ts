import { metricsMediaType } from '@pixelflow/platform/telemetry/metrics'
import { Elysia } from 'elysia'
import type { Admission } from '../../accounts/authenticator.ts'
import type { MetricsAccess } from '../../metrics/metrics-access.ts'
import { anybody, caller } from '../shared/authenticate.ts'
import { takes } from './static-file.ts'

export interface MetricsRoutes {
  readonly admission: Admission
  readonly metricsAccess: MetricsAccess
  /** Everything that was measured, as Prometheus reads it. */
  readonly metricsText: () => Promise<string>
}

/** What Prometheus reads. */
export function metrics({ admission, metricsAccess: access, metricsText }: MetricsRoutes) {
  const app = new Elysia({ name: 'metrics' })
  const answer = async ({ request }: { request: Request }) => {
    const text = await metricsText()
    const headers = { 'content-type': metricsMediaType, 'cache-control': 'no-store', vary: 'Accept-Encoding' }
    // Names over and over: a fifteenth of it is left.
    return takes(request.headers.get('accept-encoding') ?? '', 'gzip')
      ? new Response(Bun.gzipSync(text), { headers: { ...headers, 'content-encoding': 'gzip' } })
      : new Response(text, { headers })
  }
  switch (access) {
    case 'token':
      return app.use(caller(admission)).get('/metrics', answer)
    case 'open':
      return app.use(anybody(admission)).get('/metrics', answer)
    case 'off':
      return app
  }
}
