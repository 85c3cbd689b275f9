import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Log } from '@pixelflow/platform/telemetry/log'
import { Elysia } from 'elysia'
import type { Refusals } from '../../limits/refusals.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { RequestMeter } from '../../metrics/request-meter.ts'
import type { OpenStream } from '../../metrics/stream-meter.ts'
import type { ImageLimits } from '../../ports.ts'
import type { Usecases } from '../../usecases.ts'
import { admin } from './admin-routes.ts'
import { events } from '../sse/event-routes.ts'
import { sockets, tuning } from '../ws/tune-routes.ts'
import { actors } from './actor-routes.ts'
import { operations, settings } from './catalogue-routes.ts'
import { createCors, type Pages } from './cors.ts'
import type { Deliver, Send } from './send-content.ts'
import { docs } from './docs-routes.ts'
import { health, type Examine } from './health-routes.ts'
import { images } from './image-routes.ts'
import { metrics, type MetricsRoutes } from './metrics-routes.ts'
import { page, type PageFiles } from './page-routes.ts'
import { problems } from './problem-handler.ts'
import { processing } from './process-routes.ts'
import { documentedQuery } from './validate-query.ts'
import { requests } from './request-middleware.ts'
import { createRoutes } from './route-table.ts'
import { tasks } from './task-routes.ts'

export interface AppNeeds extends MetricsRoutes {
  readonly usecases: Usecases
  readonly deliver: Deliver
  readonly send: Send
  readonly examine: Examine
  readonly page: PageFiles
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
  readonly heartbeatMs: number
  readonly version: string
  /** Pages of other origins that may call; none when empty. */
  readonly corsOrigins: Pages
  readonly requestMeter: RequestMeter
  readonly memory: RequestMemory
  readonly refusals: Refusals
  readonly storeTimeout: StoreTimeout
  readonly openStream: OpenStream
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
  readonly log: Log
}

/** Everything that is answered over HTTP/1.1, feature by feature. */
export function createApp(needs: AppNeeds) {
  let self: Pick<Elysia, 'routes' | 'server'> | undefined
  const routes = createRoutes(() => self?.routes ?? [])
  const cors = needs.corsOrigins.size > 0 ? createCors(needs.corsOrigins, routes) : undefined
  const app = new Elysia({
    name: 'gateway',
    // Short host names are host names too.
    handler: { standardHostname: false },
    serve: {
      // Two gateways on one port would share its connections in silence; a taken port is to be told.
      reusePort: false,
      // Uploads are bounded by ourselves, while they stream; the server's own limit answers with no problem body.
      maxRequestBodySize: 2 ** 50,
      idleTimeout: 60,
    },
    websocket: sockets,
  })
    .use(requests({ ...needs, routes, cors, server: () => self?.server ?? null }))
    .use(problems(routes))
    .use(documentedQuery())
    .use(images(needs))
    .use(tasks(needs))
    .use(processing(needs))
    .use(events(needs))
    .use(tuning(needs))
    .use(actors(needs))
    .use(admin(needs))
    .use(operations(needs))
    .use(settings(needs))
    .use(health(needs.admission, needs.examine))
    .use(metrics(needs))
    .use(docs(needs.admission))
    .use(page(needs.admission, needs.page))
  self = app as unknown as Pick<Elysia, 'routes' | 'server'>
  return app
}

export type App = ReturnType<typeof createApp>
