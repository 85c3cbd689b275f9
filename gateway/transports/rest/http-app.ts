import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Elysia } from 'elysia'
import type { RefusalBudget } from '../../limits/refusal-budget.ts'
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
import { createCorsPolicy, type AllowedOrigins } from './cors-policy.ts'
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

export interface HttpAppOptions extends MetricsRouteOptions {
  readonly usecases: Usecases
  readonly sendContent: SendContent
  readonly sendBytes: SendBytes
  readonly checkHealth: CheckHealth
  readonly page: PageFiles
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
  readonly heartbeatMs: number
  readonly version: string
  /** Other origins whose pages may call. */
  readonly corsOrigins: AllowedOrigins
  readonly requestMeter: RequestMeter
  readonly memory: RequestMemory
  readonly refusalBudget: RefusalBudget
  readonly storeTimeout: StoreTimeout
  readonly openStream: OpenStream
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
  readonly log: Logger
}

/** All routes of the HTTP port except gRPC-Web and Connect. */
export function createHttpApp(options: HttpAppOptions) {
  let self: Pick<Elysia, 'routes' | 'server'> | undefined
  const routes = createRouteTable(() => self?.routes ?? [])
  const cors = options.corsOrigins.size > 0 ? createCorsPolicy(options.corsOrigins, routes) : undefined
  const app = new Elysia({
    name: 'gateway',
    // Accept short host names such as `gateway`.
    handler: { standardHostname: false },
    serve: {
      // Two gateways on one port would silently share its connections; a used port must fail the start.
      reusePort: false,
      // Routes limit uploads while they stream; Bun's limit would respond without a problem body.
      maxRequestBodySize: 2 ** 50,
      idleTimeout: 60,
    },
    websocket: webSocketOptions,
  })
    .use(requestMiddleware({ ...options, routes, cors, server: () => self?.server ?? null }))
    .use(problemHandler(routes))
    .use(validateQuery())
    .use(imageRoutes(options))
    .use(taskRoutes(options))
    .use(processRoutes(options))
    .use(eventRoutes(options))
    .use(tuneRoutes(options))
    .use(actorRoutes(options))
    .use(adminRoutes(options))
    .use(operationRoutes(options))
    .use(settingsRoutes(options))
    .use(healthRoutes(options.authenticator, options.checkHealth))
    .use(metricsRoutes(options))
    .use(docsRoutes(options.authenticator))
    .use(pageRoutes(options.authenticator, options.page))
  self = app as unknown as Pick<Elysia, 'routes' | 'server'>
  return app
}
