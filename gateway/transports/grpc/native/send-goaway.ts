import type { ServerHttp2Session } from 'node:http2'

/** Codes of HTTP/2 for the end of a connection. */
export const goawayCodes = { noError: 0, enhanceYourCalm: 0xb } as const

/** The highest stream id there is: whatever is on its way is still taken. */
export const everyStream = 2 ** 31 - 1

/** Tells a client that its connection ends, and why. False when it has gone meanwhile, which timers cannot know. */
export function goaway(session: ServerHttp2Session, code: number, lastStream: number, why: string): boolean {
  try {
    session.goaway(code, lastStream, Buffer.from(why))
    return true
  } catch {
    session.destroy()
    return false
  }
}
