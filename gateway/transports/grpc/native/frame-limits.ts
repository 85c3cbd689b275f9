import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FrameLimit } from './window-update-workaround.ts'
import { createFrameBudget } from './frame-budget.ts'
import { goaway, goawayCodes } from './send-goaway.ts'

/** How long a client may take to read why its connection ends. Nothing of it is read meanwhile. */
const lingerMs = 1000

/**
 * Calls that a connection may open before one of them is let in, where its address is a suspect: as many as it may have
 * open at once, or a client that begins with many calls would be cut off before its credentials are looked at.
 */
const mostUnknown = 256

export interface FrameLimits {
  limit(socket: Socket): FrameLimit
  /** The connection has made a call with valid credentials. */
  letIn(session: ServerHttp2Session): void
}

/**
 * Ends a connection that sends more frames without content than any use of gRPC needs: GOAWAY with ENHANCE_YOUR_CALM. The
 * frames are counted where the bytes arrive, because reading them is the work that delays other clients. So are the calls
 * of a connection without credentials from an address whose calls were refused too often.
 */
export function createFrameLimits(isSuspect: (peer: string) => boolean): FrameLimits {
  const known = new WeakSet<ServerHttp2Session>()
  return {
    letIn: (session) => void known.add(session),
    limit(socket) {
      const budget = createFrameBudget(() => socket.bytesWritten)
      let session: ServerHttp2Session | undefined
      let opened = 0
      let isOver = false
      const end = (why: string) => {
        isOver = true
        socket.pause()
        if (!session || session.destroyed) return socket.destroy()
        if (!goaway(session, goawayCodes.enhanceYourCalm, 0, why)) return
        setTimeout(() => session?.destroy(), lingerMs).unref()
      }
      const isUnknown = () =>
        !(session && known.has(session)) && isSuspect(`${socket.remoteAddress}:${socket.remotePort}`)
      return {
        began: (one) => void (session = one),
        completed: budget.completed,
        end,
        get isOver() {
          return isOver
        },
        allows(frame) {
          if (frame.isOpening) opened += 1
          const isTooMuch = frame.isOpening && opened > mostUnknown && isUnknown()
          const why = budget.take(frame) ?? (isTooMuch ? 'too many refused calls' : undefined)
          if (why !== undefined) end(why)
          return why === undefined
        },
      }
    },
  }
}
