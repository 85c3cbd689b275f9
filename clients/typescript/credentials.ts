import { PixelflowError } from './pixelflow-error.ts'

/** Where calls get their token from, and whom they ask for another when the server wants one. */
export interface Credentials {
  token(): string | null
  /** Asked after a refusal; null gives up. `refused` is the token that has just failed, if any. */
  ask?(refused: string | null): Promise<string | null>
}

export function credentialsOf(token: string | Credentials | null | undefined): Credentials {
  return typeof token === 'object' && token !== null ? token : { token: () => token ?? null }
}

/** Makes a call, and makes it again for as long as its token is refused and another one is given. */
export async function withToken<T>(
  credentials: Credentials,
  call: (token: string | null) => Promise<T>,
): Promise<T> {
  for (;;) {
    const token = credentials.token()
    try {
      return await call(token)
    } catch (thrown) {
      if (!(thrown instanceof PixelflowError) || thrown.status !== 401) throw thrown
      // Another call may have got a new token while this one was under way.
      const current = credentials.token()
      const next = current === token ? ((await credentials.ask?.(token)) ?? null) : current
      if (next === null) throw thrown
    }
  }
}
