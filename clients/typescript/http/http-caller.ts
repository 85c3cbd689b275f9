import { positionHeader } from '@pixelflow/core/position'
import type { CallOptions } from '../client.ts'
import { withToken, type Credentials } from '../credentials.ts'
import { notPixelflowError, unreachableError } from '../pixelflow-error.ts'
import { createPositionTracker, type PositionTracker } from '../position-tracker.ts'
import { retryCall, withTimeout, type CallLimits } from '../retry-call.ts'
import { parseProblem } from './parse-problem.ts'

/** The part of `fetch` that is used. */
export type FetchLike = (
  url: string,
  init: RequestInit & { duplex?: 'half'; timeout?: false },
) => Promise<Response>

export interface HttpCaller {
  readonly address: string
  readonly limits: CallLimits
  readonly positions: PositionTracker
  /** Sends one request with the token and returns a successful response. @throws PixelflowError for any other response. */
  send(path: string, init?: HttpSendOptions, signal?: AbortSignal): Promise<Response>
  /**
   * Runs a call with its timeout and retries, and returns the parsed body.
   * @throws PixelflowError `not_pixelflow` if the body is not JSON or lacks `requiredField`.
   */
  requestJson<T extends object>(
    path: string,
    requiredField: keyof T & string,
    request?: JsonRequest,
    options?: CallOptions,
  ): Promise<T>
  /** Runs a call with its timeout and retries, and discards the body. */
  requestEmpty(path: string, request: JsonRequest, options?: CallOptions): Promise<void>
  withToken<T>(call: (headers: Record<string, string>) => Promise<T>): Promise<T>
}

export interface HttpSendOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  /** Creates the body for each try. */
  readonly body?: () => RequestInit['body']
}

export interface JsonRequest extends Pick<HttpSendOptions, 'method'> {
  /** Sent as JSON. */
  readonly value?: unknown
  readonly idempotencyKey?: string | undefined
  /** Whether the call is safe to repeat; default: true, except for POST without an idempotency key. */
  readonly isRepeatable?: boolean
}

export interface HttpCallerOptions {
  readonly address: string
  readonly credentials: Credentials
  readonly fetch: FetchLike
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly traceparent?: (() => string | undefined) | undefined
  readonly limits: CallLimits
}

export function createHttpCaller({
  address,
  credentials,
  fetch,
  headers: commonHeaders,
  traceparent,
  limits,
}: HttpCallerOptions): HttpCaller {
  const { timeoutMs: defaultTimeoutMs = 30_000 } = limits
  const positions = createPositionTracker()

  async function fetchResponse(
    path: string,
    init: RequestInit & { duplex?: 'half' },
    signal?: AbortSignal,
  ): Promise<Response> {
    let response: Response
    try {
      // `timeout: false` disables Bun's default timeout of five minutes; the signal bounds the call.
      const bounds = { timeout: false as const, ...(signal === undefined ? {} : { signal }) }
      response = await fetch(`${address}${path}`, { ...init, ...bounds })
    } catch (thrown) {
      signal?.throwIfAborted()
      throw unreachableError(address, thrown)
    }
    if (response.ok) {
      positions.record(response.headers.get(positionHeader))
      return response
    }
    const text = await response.text().catch(() => '')
    throw parseProblem(response.status, response.statusText, (name) => response.headers.get(name), text)
  }

  const caller: HttpCaller = {
    address,
    limits,
    positions,
    send: (path, { method = 'GET', headers: ownHeaders = {}, body: createBody } = {}, signal) =>
      caller.withToken((tokenHeaders) => {
        const body = createBody?.()
        const init = {
          method,
          ...(body == null ? {} : { body }),
          ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
        }
        const headers = { ...tokenHeaders, ...ownHeaders }
        if (method !== 'GET') return fetchResponse(path, { ...init, headers }, signal)
        return positions.read((position) =>
          fetchResponse(path, { ...init, headers: { ...headers, ...position } }, signal),
        )
      }),
    requestJson: (path, requiredField, request = {}, options = {}) =>
      run(request, options, async (signal) => {
        const response = await caller.send(path, toSendOptions(request), signal)
        return parseBody(await readText(response, signal), requiredField, address, response.status)
      }),
    requestEmpty: (path, request, options = {}) =>
      run(request, options, async (signal) => {
        const response = await caller.send(path, toSendOptions(request), signal)
        await response.body?.cancel().catch(() => {})
      }),
    withToken: (call) =>
      withToken(credentials, (token) => {
        const trace = traceparent?.()
        return call({
          ...commonHeaders,
          ...(trace === undefined ? {} : { traceparent: trace }),
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        })
      }),
  }

  /** Runs a call with its timeout, and with retries if it is safe to repeat. */
  function run<T>(
    { method, idempotencyKey, isRepeatable = method !== 'POST' || idempotencyKey !== undefined }: JsonRequest,
    { signal: callerSignal, timeoutMs = defaultTimeoutMs }: CallOptions,
    call: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const retryLimits = isRepeatable ? limits : { ...limits, retries: 0 }
    return withTimeout({ signal: callerSignal, timeoutMs }, (signal) =>
      retryCall(retryLimits, signal, () => call(signal)),
    )
  }

  async function readText(response: Response, signal: AbortSignal | undefined): Promise<string> {
    try {
      return await response.text()
    } catch (thrown) {
      signal?.throwIfAborted()
      throw unreachableError(address, thrown)
    }
  }

  return caller
}

function toSendOptions({ method = 'GET', value, idempotencyKey }: JsonRequest): HttpSendOptions {
  const headers = {
    ...toIdempotencyHeader(idempotencyKey),
    ...(value === undefined ? {} : { 'content-type': 'application/json' }),
  }
  return { method, headers, ...(value === undefined ? {} : { body: () => JSON.stringify(value) }) }
}

export function toIdempotencyHeader(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { 'idempotency-key': key }
}

/** Parses a JSON body. @throws PixelflowError `not_pixelflow` if it is not an object with the required field. */
export function parseBody<T extends object>(
  text: string,
  requiredField: keyof T & string,
  address: string,
  status: number,
): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && requiredField in value) return value as T
  throw notPixelflowError(
    address,
    `the response has no JSON body with the field \`${requiredField}\``,
    'Check the address.',
    { status },
  )
}
