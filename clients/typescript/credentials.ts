import { PixelflowError } from './pixelflow-error.ts'

/** Source of the token of each call, and of a new token after a rejection. */
export interface Credentials {
  token(): string | null
  /** Called after a 401; null gives up. `refused` is the rejected token, if any. */
  ask?(refused: string | null): Promise<string | null>
}

export function credentialsOf(token: string | Credentials | null | undefined): Credentials {
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
