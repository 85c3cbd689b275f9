import type { CheckHealth } from '../shared/health-view.ts'
import type { StreamHandlers } from './call-handler.ts'
import { sendJson } from './send-text.ts'

/**
 * Live: the process answers. Ready: the broker answers and commits writes, and the task list has caught up. Both return only
 * the status. The complete view is as public as the page: without tokens, only this machine can read it.
 */
export function healthHandlers(
  checkHealth: CheckHealth,
): Pick<StreamHandlers, 'getLiveness' | 'getReadiness' | 'getHealth'> {
  return {
    getLiveness: ({ request }) => statusResponse(request, 200, { status: 'ok' }),
    async getReadiness({ request }) {
      const { status } = await checkHealth()
      return statusResponse(request, status === 'ok' ? 200 : 503, { status })
    },
    async getHealth({ request }) {
      const view = await checkHealth()
      return statusResponse(request, view.status === 'ok' ? 200 : 503, view)
    },
  }
}

function statusResponse(request: Request, status: number, view: unknown): Response {
  return sendJson(request, view, { status, headers: { 'cache-control': 'no-store' } })
}
