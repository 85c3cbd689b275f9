import type { DeadLetterPageView, DeadLetterView } from '@pixelflow/core/views'
import type { CallOptions } from '../client.ts'
import { combineSignals } from '../create-client.ts'
import { toCredentials } from '../credentials.ts'
import { adminCalls } from '../http-calls.gen.ts'
import type { UnaryCaller } from '../unary-calls.ts'
import { createHttpCall } from './create-http-call.ts'
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
    traceparent,
    fetch: send = (input, init) => fetch(input, init),
    signal,
    ...limits
  } = options
  const caller = createHttpCaller({
    address: normalizeUrl(url),
    credentials: toCredentials(token),
    fetch: send,
    headers,
    traceparent,
    limits,
  })
  const httpCall = createHttpCall(caller, adminCalls)
  const call: UnaryCaller<keyof typeof adminCalls> = (name, input, callOptions = {}) =>
    httpCall(name, input, { ...callOptions, signal: combineSignals(signal, callOptions.signal) })
  return {
    deadLetterPage: (query = {}, callOptions) => call('listDeadLetters', query, callOptions),
    deadLetter: (id, callOptions) => call('getDeadLetter', { id }, callOptions),
    replayDeadLetter: (id, callOptions) => call('replayDeadLetter', { id }, callOptions),
    deleteDeadLetter: (id, callOptions) => call('deleteDeadLetter', { id }, callOptions),
  }
}
