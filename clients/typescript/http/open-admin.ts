import type { DeadLetterPageView, DeadLetterView } from '@pixelflow/core/views'
import type { CallOptions } from '../client.ts'
import { credentialsOf } from '../credentials.ts'
import { createHttpCaller } from './http-caller.ts'
import type { HttpOptions } from './open-http.ts'

export type { DeadLetterView }
export type DeadLetterPage = DeadLetterPageView

export interface DeadLetterQuery {
  /** Only dead letters of this account. */
  readonly account?: string | undefined
  /** Page size, 1 to 200; default 50. */
  readonly limit?: number | undefined
  /** `next` of the previous page. */
  readonly cursor?: string | undefined
}

/** Calls for operators. They require a token with the scope `admin`. */
export interface Admin {
  /** One page of dead letters, oldest first. */
  deadPage(query?: DeadLetterQuery, options?: CallOptions): Promise<DeadLetterPage>
  dead(id: string, options?: CallOptions): Promise<DeadLetterView>
  /** Processes a dead letter again as a new task, whose id is in `replay`. Idempotent. */
  replayDead(id: string, options?: CallOptions): Promise<DeadLetterView>
  deleteDead(id: string, options?: CallOptions): Promise<void>
}

/** Creates a client for the operator API over HTTP. Sends nothing yet. @throws TypeError if the address is invalid. */
export function openAdmin(options: HttpOptions = {}): Admin {
  const {
    url,
    token,
    headers = {},
    fetch: send = (input, init) => fetch(input, init),
    signal,
    ...limits
  } = options
  const { json, done } = createHttpCaller({
    address: url === undefined ? '' : new URL(url).href.replace(/\/+$/, ''),
    credentials: credentialsOf(token),
    fetch: send,
    headers,
    limits,
  })
  const path = (id: string) => `/api/v1/admin/dead/${encodeURIComponent(id)}`
  const ended = (one: CallOptions = {}): CallOptions => ({
    ...one,
    signal: signal && one.signal ? AbortSignal.any([signal, one.signal]) : (one.signal ?? signal),
  })
  return {
    deadPage({ account, limit, cursor } = {}, one) {
      const query = new URLSearchParams({
        ...(account === undefined ? {} : { account }),
        ...(limit === undefined ? {} : { limit: String(limit) }),
        ...(cursor === undefined ? {} : { cursor }),
      })
      return json<DeadLetterPage>(`/api/v1/admin/dead?${query.toString()}`, 'items', {}, ended(one))
    },
    dead: (id, one) => json<DeadLetterView>(path(id), 'cause', {}, ended(one)),
    replayDead: (id, one) =>
      json<DeadLetterView>(`${path(id)}/replay`, 'cause', { method: 'POST', repeatable: true }, ended(one)),
    deleteDead: (id, one) => done(path(id), { method: 'DELETE' }, ended(one)),
  }
}
