import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { originCheck } from '../shared/authenticate.ts'
import type { CheckHealth } from '../shared/health-view.ts'

/**
 * Live: the process answers. Ready: the broker answers and commits writes, and the task list has caught up. Both need no
 * credentials and no particular Host, because orchestrators probe by address, and return only the status. The complete
 * view is as public as the page: without tokens, only this machine can read it.
 */
export function healthRoutes(authenticator: Authenticator, checkHealth: CheckHealth) {
  return new Elysia({ name: 'health', prefix: '/health' })
    .get('/live', () => statusResponse(200, { status: 'ok' }))
    .get('/ready', async () => {
      const { status } = await checkHealth()
      return statusResponse(status === 'ok' ? 200 : 503, { status })
    })
    .use(originCheck(authenticator))
    .get('/', async () => {
      const view = await checkHealth()
      return statusResponse(view.status === 'ok' ? 200 : 503, view)
    })
}

function statusResponse(status: number, view: unknown): Response {
  return Response.json(view, { status, headers: { 'cache-control': 'no-store' } })
}
