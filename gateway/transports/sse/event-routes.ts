import type { Logger } from '@pixelflow/platform/telemetry/logger'
import { Elysia } from 'elysia'
import type { Authenticator } from '../../accounts/authenticator.ts'
import type { OpenStream } from '../../metrics/stream-meter.ts'
import type { ResumePoint } from '../../tasks/watch-task.ts'
import type { Usecases } from '../../usecases.ts'
import { authenticate } from '../shared/authenticate.ts'
import { requestContextOf } from '../shared/request-context.ts'
import { createEventStream } from './event-stream.ts'

export interface EventRouteOptions {
  readonly usecases: Usecases
  readonly authenticator: Authenticator
  readonly heartbeatMs: number
  readonly openStream: OpenStream
  readonly log: Logger
}

/** The events of a task as server-sent events. 204, when no event can follow, keeps an EventSource from reconnecting. */
export function eventRoutes({ usecases, authenticator, heartbeatMs, openStream, log }: EventRouteOptions) {
  return new Elysia({ name: 'events' })
    .use(authenticate(authenticator))
    .get('/api/v1/tasks/:id/events', async ({ params, query, request, server, principal }) => {
      const disconnected = new AbortController()
      const stopEvents = () => disconnected.abort()
      request.signal.addEventListener('abort', stopEvents, { once: true })
      const resumePoint = resumePointOf(request, query)
      const events = await usecases.watchTask(principal, params.id, resumePoint, disconnected.signal)
      if (events === null) return new Response(null, { status: 204 })
      if (request.method === 'HEAD') {
        await events.return()
        return new Response(null, { headers })
      }
      server?.timeout(request, 0)
      const onEnd = openStream('sse')
      request.signal.addEventListener('abort', onEnd, { once: true })
      const requestId = requestContextOf(request).id
      const onFailure = (error: unknown) =>
        log.warn('event stream failed', { requestId, task: params.id, error })
      return new Response(createEventStream({ events, heartbeatMs, stopEvents, onFailure, onEnd }), {
        headers,
      })
    })
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Keeps proxies from compressing or buffering the stream.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/**
 * The token of the last event that the client has seen. An EventSource reconnects with the header
 * and its first query, so the header takes precedence. EventSource libraries append `lastEventId` to the query.
 */
function resumePointOf(
  { headers: sent }: Request,
  query: Readonly<Record<string, string>>,
): ResumePoint | undefined {
  const points = [
    { field: 'Last-Event-ID', token: sent.get('last-event-id') ?? '' },
    { field: 'lastEventId', token: query['lastEventId'] ?? '' },
    { field: 'after', token: query['after'] ?? '' },
  ]
  return points.find(({ token }) => token !== '')
}
