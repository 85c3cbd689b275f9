import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Elysia } from 'elysia'
import type { RefusalBudget } from '../../limits/refusal-budget.ts'
import type { RequestMemory } from '../../limits/request-memory.ts'
import type { RequestMeter } from '../../metrics/request-meter.ts'
import type { OpenStream } from '../../metrics/stream-meter.ts'
import type { ImageLimits } from '../../ports.ts'
import type { Usecases } from '../../usecases.ts'
import { webSocketOptions, tuneRoutes } from '../ws/tune-routes.ts'
import { createCorsPolicy, type AllowedOrigins } from './cors-policy.ts'
import type { SendContent, SendBytes } from './send-content.ts'
import { contentHandlers } from './content-handlers.ts'
import { docsRoutes, openapiHandler } from './docs-routes.ts'
import { healthHandlers } from './health-handlers.ts'
import { processHandler } from './process-handler.ts'
import { createTaskForm, uploadHandlers } from './upload-handlers.ts'
import { watchHandler } from '../sse/watch-handler.ts'
import type { StreamHandlers } from './call-handler.ts'
import { callRoutes } from './call-routes.ts'
import type { CallRunner } from '../../calls/call-runner.ts'
import type { CheckHealth } from '../shared/health-view.ts'
import { metricsRoutes, type MetricsRouteOptions } from './metrics-routes.ts'
import { pageRoutes, type PageFiles } from './page-routes.ts'
import { problemHandler } from './problem-handler.ts'
import { requestMiddleware } from './request-middleware.ts'
import { createRouteTable } from './route-table.ts'

export interface HttpAppOptions extends MetricsRouteOptions {
  readonly usecases: Usecases
  readonly runner: CallRunner
  readonly sendContent: SendContent
  readonly sendBytes: SendBytes
  readonly checkHealth: CheckHealth
  readonly page: PageFiles
  readonly limits: ImageLimits
  readonly uploadIdleTimeoutMs: number
  readonly heartbeatMs: number
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
  const handlers: StreamHandlers = {
    ...uploadHandlers(options),
    ...contentHandlers(options.usecases, options.sendContent),
    ...processHandler(options),
    ...watchHandler(options),
    ...healthHandlers(options.checkHealth),
    ...openapiHandler(),
  }
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
    .use(callRoutes({ ...options, handlers, forms: { createTask: createTaskForm(options) } }))
    .use(tuneRoutes(options))
    .use(metricsRoutes(options))
    .use(docsRoutes(options.authenticator))
    .use(pageRoutes(options.authenticator, options.page))
  self = app as unknown as Pick<Elysia, 'routes' | 'server'>
  return app
}
