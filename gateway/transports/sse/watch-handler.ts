import type { Logger } from '@pixelflow/platform/telemetry/logger'
import type { OpenStream } from '../../metrics/stream-meter.ts'
import type { ResumePoint } from '../../tasks/watch-task.ts'
import type { Usecases } from '../../usecases.ts'
import type { StreamHandlers } from '../rest/call-handler.ts'
import { createEventStream } from './event-stream.ts'

export interface WatchHandlerOptions {
  readonly usecases: Pick<Usecases, 'watchTask'>
  readonly heartbeatMs: number
  readonly openStream: OpenStream
  readonly log: Logger
}

/** The events of a task as server-sent events. 204, when no event can follow, keeps an EventSource from reconnecting. */
export function watchHandler(options: WatchHandlerOptions): Pick<StreamHandlers, 'watchTask'> {
  const { usecases, heartbeatMs, openStream, log } = options
  return {
    async watchTask({ request, server, who, input, context }) {
      const disconnected = new AbortController()
      const stopEvents = () => disconnected.abort()
      request.signal.addEventListener('abort', stopEvents, { once: true })
      if (request.signal.aborted) stopEvents()
      const resumePoint = resumePointOf(request, input)
      const events = await usecases.watchTask(who, input.id, resumePoint, disconnected.signal)
      if (events === null) return new Response(null, { status: 204 })
      if (request.method === 'HEAD') {
        await events.return()
        return new Response(null, { headers })
      }
      server?.timeout(request, 0)
      const onEnd = openStream('sse')
      request.signal.addEventListener('abort', onEnd, { once: true })
      const onFailure = (error: unknown) =>
        log.warn('event stream failed', { requestId: context.requestId, task: input.id, error })
      return new Response(createEventStream({ events, heartbeatMs, stopEvents, onFailure, onEnd }), {
        headers,
      })
    },
  }
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
  {
    lastEventId = '',
    after = '',
  }: { readonly lastEventId?: string | undefined; readonly after?: string | undefined },
): ResumePoint | undefined {
  const points = [
    { field: 'Last-Event-ID', token: sent.get('last-event-id') ?? '' },
    { field: 'lastEventId', token: lastEventId },
    { field: 'after', token: after },
  ]
  return points.find(({ token }) => token !== '')
}
