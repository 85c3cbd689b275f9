import { CallFailed, failedAnswer, unreachable } from './notice.ts'

/** Where calls get their token from, and whom they ask for one when the server wants it. */
export interface Credentials {
  token(): string | null
  /** Asks the person; null when they would rather not. `refused` is the token that has just failed, if any. */
  ask(refused: string | null): Promise<string | null>
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** Calls to the gateway this page came from. Every method throws `CallFailed`, or `AbortError` when aborted. */
export interface Api {
  readonly credentials: Credentials
  open(path: string, options?: CallOptions): Promise<Response>
  json<T>(path: string, options?: CallOptions): Promise<T>
  blob(path: string, signal?: AbortSignal): Promise<Blob>
}

export function createApi(credentials: Credentials, send: typeof fetch = fetch): Api {
  async function once(path: string, options: CallOptions, token: string | null): Promise<Response> {
    const { method = 'GET', json, headers = {}, signal } = options
    try {
      return await send(path, {
        method,
        headers: {
          ...authorization(token),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (thrown) {
      if (signal?.aborted === true) throw thrown
      throw unreachable(thrown)
    }
  }

  async function open(path: string, options: CallOptions = {}): Promise<Response> {
    return withToken(credentials, async (token) => {
      const answer = await once(path, options, token)
      if (answer.ok) return answer
      throw failedAnswer(answer.status, answer.statusText, await answer.text())
    })
  }

  /** Reads an answer's body to its end; the connection may still break on the way. */
  async function read<T>(
    path: string,
    options: CallOptions,
    body: (answer: Response) => Promise<T>,
  ): Promise<T> {
    const answer = await open(path, options)
    try {
      return await body(answer)
    } catch (thrown) {
      if (options.signal?.aborted === true) throw thrown
      throw unreachable(thrown)
    }
  }

  return {
    credentials,
    open,
    json: <T>(path: string, options: CallOptions = {}) =>
      read(path, options, async (answer) => (await answer.json()) as T),
    blob: (path, signal) => read(path, { signal }, (answer) => answer.blob()),
  }
}

export function authorization(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

/** Runs a call and, as long as the answer is 401 and the person gives another token, runs it again with that. */
export async function withToken<T>(
  credentials: Credentials,
  call: (token: string | null) => Promise<T>,
): Promise<T> {
  for (;;) {
    const token = credentials.token()
    try {
      return await call(token)
    } catch (thrown) {
      if (!(thrown instanceof CallFailed) || thrown.status !== 401) throw thrown
      // Another call may have got a new token while this one was under way.
      const next = credentials.token() === token ? await credentials.ask(token) : credentials.token()
      if (next === null) throw thrown
    }
  }
}
