import type { ServerHttp2Session } from 'node:http2'

/** HTTP/2 error codes of GOAWAY. */
export const goawayCodes = { noError: 0, enhanceYourCalm: 0xb } as const

/** The highest stream id of HTTP/2. GOAWAY with it still accepts the calls that the client has already sent. */
export const maxStreamId = 2 ** 31 - 1

/** Sends GOAWAY. Returns false when the session has ended meanwhile, which a timer cannot know. */
export function sendGoaway(
  session: ServerHttp2Session,
  code: number,
  lastStream: number,
  reason: string,
): boolean {
  try {
    session.goaway(code, lastStream, Buffer.from(reason))
    return true
  } catch {
    session.destroy()
    return false
  }
}
