import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Elysia } from 'elysia'
import type { Refusals } from '../../limits/refusals.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { RequestMeter } from '../../metrics/request-meter.ts'
import type { OpenStream } from '../../metrics/stream-meter.ts'
import type { ImageLimits } from '../../ports.ts'
import type { Usecases } from '../../usecases.ts'
import { adminRoutes } from './admin-routes.ts'
import { eventRoutes } from '../sse/event-routes.ts'
import { webSocketOptions, tuneRoutes } from '../ws/tune-routes.ts'
import { actorRoutes } from './actor-routes.ts'
import { operationRoutes, settingsRoutes } from './catalogue-routes.ts'
import { createCorsPolicy, type AllowedOrigins } from './cors.ts'
import type { SendContent, SendBytes } from './send-content.ts'
import { docsRoutes } from './docs-routes.ts'
import { healthRoutes } from './health-routes.ts'
import type { CheckHealth } from '../shared/health-view.ts'
import { imageRoutes } from './image-routes.ts'
import { metricsRoutes, type MetricsRouteOptions } from './metrics-routes.ts'
import { pageRoutes, type PageFiles } from './page-routes.ts'
import { problemHandler } from './problem-handler.ts'
import { processRoutes } from './process-routes.ts'
import { validateQuery } from './validate-query.ts'
import { requestMiddleware } from './request-middleware.ts'
import { createRouteTable } from './route-table.ts'
import { taskRoutes } from './task-routes.ts'

export interface AppOptions extends MetricsRouteOptions {
  readonly usecases: Usecases
  readonly sendContent: SendContent
  readonly sendBytes: SendBytes
  readonly checkHealth: CheckHealth
  readonly page: PageFiles
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
  readonly heartbeatMs: number
  readonly version: string
  /** Pages of other origins that may call; none when empty. */
  readonly corsOrigins: AllowedOrigins
  readonly requestMeter: RequestMeter
  readonly memory: RequestMemory
  readonly refusals: Refusals
  readonly storeTimeout: StoreTimeout
  readonly openStream: OpenStream
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
  readonly log: Logger
}

/** Everything that is answered over HTTP/1.1, feature by feature. */
export function createApp(needs: AppOptions) {
  let self: Pick<Elysia, 'routes' | 'server'> | undefined
  const routes = createRouteTable(() => self?.routes ?? [])
  const cors = needs.corsOrigins.size > 0 ? createCorsPolicy(needs.corsOrigins, routes) : undefined
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
    websocket: webSocketOptions,
  })
    .use(requestMiddleware({ ...needs, routes, cors, server: () => self?.server ?? null }))
    .use(problemHandler(routes))
    .use(validateQuery())
    .use(imageRoutes(needs))
    .use(taskRoutes(needs))
    .use(processRoutes(needs))
    .use(eventRoutes(needs))
    .use(tuneRoutes(needs))
    .use(actorRoutes(needs))
    .use(adminRoutes(needs))
    .use(operationRoutes(needs))
    .use(settingsRoutes(needs))
    .use(healthRoutes(needs.authenticator, needs.checkHealth))
    .use(metricsRoutes(needs))
    .use(docsRoutes(needs.authenticator))
    .use(pageRoutes(needs.authenticator, needs.page))
  self = app as unknown as Pick<Elysia, 'routes' | 'server'>
  return app
}

export type App = ReturnType<typeof createApp>
