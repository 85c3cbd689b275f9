import type { DeadLetterPageView, DeadLetterView } from '@pixelflow/core/views'
import type { CallOptions } from '../client.ts'
import { combineSignals } from '../create-client.ts'
import { toCredentials } from '../credentials.ts'
import { createHttpCaller } from './http-caller.ts'
import { normalizeUrl, type HttpOptions } from './open-http.ts'

export type { DeadLetterPageView, DeadLetterView }

export interface DeadLetterPageQuery {
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
  deadLetterPage(query?: DeadLetterPageQuery, options?: CallOptions): Promise<DeadLetterPageView>
  deadLetter(id: string, options?: CallOptions): Promise<DeadLetterView>
  /** Processes a dead letter again as a new task, whose id is in `replay`. Idempotent. */
  replayDeadLetter(id: string, options?: CallOptions): Promise<DeadLetterView>
  /** Deletes a dead letter; its task does not change. */
  deleteDeadLetter(id: string, options?: CallOptions): Promise<void>
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
  const { requestJson, requestEmpty } = createHttpCaller({
    address: normalizeUrl(url),
    credentials: toCredentials(token),
    fetch: send,
    headers,
    limits,
  })
  const path = (id: string) => `/api/v1/admin/dead/${encodeURIComponent(id)}`
  const withClientSignal = (callOptions: CallOptions = {}): CallOptions => ({
    ...callOptions,
    signal: combineSignals(signal, callOptions.signal),
  })
  return {
    deadLetterPage({ account, limit, cursor } = {}, options) {
      const query = new URLSearchParams({
        ...(account === undefined ? {} : { account }),
        ...(limit === undefined ? {} : { limit: String(limit) }),
        ...(cursor === undefined ? {} : { cursor }),
      })
      return requestJson<DeadLetterPageView>(
        `/api/v1/admin/dead?${query.toString()}`,
        'items',
        {},
        withClientSignal(options),
      )
    },
    deadLetter: (id, options) =>
      requestJson<DeadLetterView>(path(id), 'fault', {}, withClientSignal(options)),
    replayDeadLetter: (id, options) =>
      requestJson<DeadLetterView>(
        `${path(id)}/replay`,
        'fault',
        { method: 'POST', isRepeatable: true },
        withClientSignal(options),
      ),
    deleteDeadLetter: (id, options) =>
      requestEmpty(path(id), { method: 'DELETE' }, withClientSignal(options)),
  }
}
