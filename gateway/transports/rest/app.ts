import type { Log } from '@pixelflow/fabric/telemetry/log'
import { Elysia } from 'elysia'
import type { Admission } from '../../accounts/admission.ts'
import type { Limits } from '../../usecases/ports.ts'
import type { Usecases } from '../../usecases/usecases.ts'
import { events } from '../sse/events.ts'
import { operations, settings } from './catalogue.ts'
import type { Deliver } from './deliver.ts'
import { docs } from './docs.ts'
import { health, type Examine } from './health.ts'
import { images } from './images.ts'
import { page, type PageFiles } from './page.ts'
import { problems, type Route } from './problems.ts'
import { requests } from './requests.ts'
import { tasks } from './tasks.ts'

export interface AppNeeds {
  readonly usecases: Usecases
  readonly admission: Admission
  readonly deliver: Deliver
  readonly examine: Examine
  readonly page: PageFiles
  readonly limits: Limits
  readonly uploadIdleTimeoutMs: number
  readonly heartbeatMs: number
  readonly version: string
  readonly log: Log
}

/** Everything that is answered over HTTP/1.1, feature by feature. */
export function createApp(needs: AppNeeds) {
  const routes: Route[] = []
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
  })
    .use(requests(needs.log))
    .use(problems(routes))
    .use(images(needs))
    .use(tasks(needs))
    .use(events(needs))
    .use(operations(needs))
    .use(settings(needs))
    .use(health(needs.examine))
    .use(docs(needs.admission))
    .use(page(needs.admission, needs.page))
  // For telling a wrong method from a wrong path.
  routes.push(...app.routes.map(({ method, path }) => ({ method, path })))
  return app
}

export type App = ReturnType<typeof createApp>
