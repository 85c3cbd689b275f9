import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { originCheck } from '../shared/authenticate.ts'
import type { CheckHealth } from '../shared/health-view.ts'

/**
 * Live: the process answers. Ready: it can serve, that is, the broker answers and commits writes, and the task list has
 * caught up. Nobody is asked who they are: probes come from the machinery around us, by whatever name it knows us,
 * and get the bare status. The whole view is for those who may see the page: without tokens, for this machine alone.
 */
export function healthRoutes(authenticator: Authenticator, checkHealth: CheckHealth) {
  return new Elysia({ name: 'health', prefix: '/health' })
    .get('/live', () => plain(200, { status: 'ok' }))
    .get('/ready', async () => {
      const { status } = await checkHealth()
      return plain(status === 'ok' ? 200 : 503, { status })
    })
    .use(originCheck(authenticator))
    .get('/', async () => {
      const view = await checkHealth()
      return plain(view.status === 'ok' ? 200 : 503, view)
    })
}

function plain(status: number, view: unknown): Response {
  return Response.json(view, { status, headers: { 'cache-control': 'no-store' } })
}
