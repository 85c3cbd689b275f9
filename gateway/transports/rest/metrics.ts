import { metricsMediaType } from '@pixelflow/fabric/telemetry/metrics'
import { Elysia } from 'elysia'
import type { Admission } from '../../accounts/admission.ts'
import type { MetricsAccess } from '../../metrics/access.ts'
import { anybody, caller } from './caller.ts'

export interface MetricsRoutes {
  readonly admission: Admission
  readonly metricsAccess: MetricsAccess
  /** Everything that was measured, as Prometheus reads it. */
  readonly metricsText: () => Promise<string>
}

/** What Prometheus reads. */
export function metrics({ admission, metricsAccess: access, metricsText }: MetricsRoutes) {
  const app = new Elysia({ name: 'metrics' })
  const answer = async () => {
    const text = await metricsText()
    return new Response(text, { headers: { 'content-type': metricsMediaType, 'cache-control': 'no-store' } })
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
