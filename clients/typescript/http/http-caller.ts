import { positionHeader } from '@pixelflow/core/position'
import type { CallOptions } from '../client.ts'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import { retryCall, withTimeout, type CallLimits } from '../retry-call.ts'
import { createWritePositions, type WritePositions } from '../write-positions.ts'
import { withToken, type Credentials } from '../credentials.ts'
import { parseProblem } from './parse-problem.ts'

/** The part of `fetch` that is used. */
export type FetchLike = (
  url: string,
  init: RequestInit & { duplex?: 'half'; timeout?: false },
) => Promise<Response>

export interface HttpCaller {
  readonly address: string
  readonly limits: CallLimits
  readonly positions: WritePositions
  /** Sends one request with the token and returns a successful response. @throws PixelflowError for any other response. */
  send(path: string, init?: CallInit, signal?: AbortSignal): Promise<Response>
  /** Runs a call with its timeout and retries, and returns the parsed body. */
  json<T extends object>(
    path: string,
    has: keyof T & string,
    init?: JsonInit,
    options?: CallOptions,
  ): Promise<T>
  /** Runs a call with its timeout and retries, and discards the body. */
  done(path: string, init: JsonInit, options?: CallOptions): Promise<void>
  withToken<T>(call: (headers: Record<string, string>) => Promise<T>): Promise<T>
}

export interface CallInit {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  /** Creates the body for each try. */
  readonly body?: () => RequestInit['body']
}

export interface JsonInit extends Pick<CallInit, 'method'> {
  /** Sent as JSON. */
  readonly value?: unknown
  /** The idempotency key. */
  readonly key?: string | undefined
  /** Whether the call is safe to repeat; default: true, except for POST without a key. */
  readonly repeatable?: boolean
}

export interface HttpCallerOptions {
  readonly address: string
  readonly credentials: Credentials
  readonly fetch: FetchLike
  readonly headers: Readonly<Record<string, string>>
  readonly limits: CallLimits
}

export function createHttpCaller({
  address,
  credentials,
  fetch: send,
  headers: own,
  limits,
}: HttpCallerOptions): HttpCaller {
  const { timeoutMs: usualMs = 30_000 } = limits
  const positions = createWritePositions()

  async function once(
    path: string,
    init: RequestInit & { duplex?: 'half' },
    signal?: AbortSignal,
  ): Promise<Response> {
    let answer: Response
    try {
      // Disables Bun's default timeout of five minutes; the signal bounds the call.
      const bounds = { timeout: false as const, ...(signal === undefined ? {} : { signal }) }
      answer = await send(`${address}${path}`, { ...init, ...bounds })
    } catch (thrown) {
      signal?.throwIfAborted()
      throw unreachableError(address, thrown)
    }
    if (answer.ok) {
      positions.record(answer.headers.get(positionHeader))
      return answer
    }
    const text = await answer.text().catch(() => '')
    throw parseProblem(answer.status, answer.statusText, (name) => answer.headers.get(name), text)
  }

  const caller: HttpCaller = {
    address,
    limits,
    positions,
    send: (path, { method = 'GET', headers = {}, body } = {}, signal) =>
      caller.withToken((token) => {
        const sent = body?.()
        const init = {
          method,
          ...(sent == null ? {} : { body: sent }),
          ...(sent instanceof ReadableStream ? { duplex: 'half' as const } : {}),
        }
        const all = { ...token, ...headers }
        if (method !== 'GET') return once(path, { ...init, headers: all }, signal)
        return positions.read((position) => once(path, { ...init, headers: { ...all, ...position } }, signal))
      }),
    json: (path, has, init = {}, options = {}) =>
      call(init, options, async (signal) =>
        read(await caller.send(path, requestOf(init), signal), has, signal),
      ),
    done: (path, init, options = {}) =>
      call(init, options, async (signal) => {
        const answer = await caller.send(path, requestOf(init), signal)
        await answer.body?.cancel().catch(() => {})
      }),
    withToken: (work) =>
      withToken(credentials, (token) =>
        work({ ...own, ...(token === null ? {} : { authorization: `Bearer ${token}` }) }),
      ),
  }

  function call<T>(
    { method, key, repeatable = method !== 'POST' || key !== undefined }: JsonInit,
    { signal: asked, timeoutMs = usualMs }: CallOptions,
    work: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const retries = repeatable ? limits : { ...limits, retries: 0 }
    return withTimeout({ signal: asked, timeoutMs }, (signal) =>
      retryCall(retries, signal, () => work(signal)),
    )
  }

  async function read<T extends object>(
    answer: Response,
    has: keyof T & string,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    let text: string
    try {
      text = await answer.text()
    } catch (thrown) {
      signal?.throwIfAborted()
      throw unreachableError(address, thrown)
    }
    return parseBody(text, has, address, answer.status)
  }

  return caller
}

function requestOf({ method = 'GET', value, key }: JsonInit): CallInit {
  const headers = {
    ...keyHeader(key),
    ...(value === undefined ? {} : { 'content-type': 'application/json' }),
  }
  return { method, headers, ...(value === undefined ? {} : { body: () => JSON.stringify(value) }) }
}

export function keyHeader(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { 'idempotency-key': key }
}

/** Parses JSON and checks for one field of the expected type. @throws PixelflowError `not_pixelflow` if it is missing. */
export function parseBody<T extends object>(
  text: string,
  has: keyof T & string,
  address: string,
  status: number,
): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value === 'object' && value !== null && has in value) return value as T
  throw new PixelflowError(
    'not_pixelflow',
    `The answer of ${address || 'the server'} is not one of a PixelFlow server.`,
    {
      status,
      title: 'Not a PixelFlow server',
      remedy: 'Check the address.',
    },
  )
}
