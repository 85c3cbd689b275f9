import { PixelflowError } from './pixelflow-error.ts'

/** Provides the token of each call, and a new token after the server has rejected one. */
export interface Credentials {
  /** The current token; null for none. */
  token(): string | null
  /** Called after a 401 with the rejected token, if any. Returns a new token, or null to give up. */
  ask?(refused: string | null): Promise<string | null>
}

export function toCredentials(token: string | Credentials | null | undefined): Credentials {
  return typeof token === 'object' && token !== null ? token : { token: () => token ?? null }
}

/** Runs a call, and repeats it as long as its token is rejected and a new one is available. */
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
      // Another call may have obtained a new token in the meantime.
      const current = credentials.token()
      const next = current === token ? ((await credentials.ask?.(token)) ?? null) : current
      if (next === null) throw thrown
    }
  }
}
