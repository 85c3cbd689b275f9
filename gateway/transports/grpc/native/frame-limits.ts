import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { createFrameBudget, type FrameBudget, type FrameHead } from './frame-budget.ts'
import { goawayCodes, sendGoaway } from './send-goaway.ts'

/** Time for a client to read GOAWAY before the connection closes. The server reads nothing meanwhile. */
const lingerMs = 1000

/**
 * Calls that a connection from a suspect address may open before one of them is authenticated: as many as it may have open
 * at once. With fewer, a client that starts with many calls would be cut off before its credentials are checked.
 */
const maxUnauthenticatedCalls = 256

/** Decides about the frames of one connection before any other code reads them. */
export interface FrameLimit extends Pick<FrameBudget, 'countCompleted'> {
  /** The connection has a session; its frames are read from now on. */
  sessionStarted(session: ServerHttp2Session): void
  /** Whether the connection may continue. After false, none of its bytes may be read. */
  allows(frame: FrameHead): boolean
  /** Ends the connection with GOAWAY. */
  end(reason: string): void
  readonly isEnded: boolean
}

export interface FrameLimits {
  /** The limit of a new connection. */
  limit(socket: Socket): FrameLimit
  /** Records that a call on this connection had valid credentials. */
  markAuthenticated(session: ServerHttp2Session): void
}

/**
 * Ends a connection with GOAWAY (ENHANCE_YOUR_CALM) when it sends more frames without content than gRPC needs, or too many
 * unauthenticated calls from an address whose calls were refused too often. Frames are counted where their bytes arrive,
 * because parsing them is the work that delays other clients.
 *
 * `node:http2` has limits of its own (`maxSessionInvalidFrames`, `streamResetBurst`), but Bun 1.4.5 counts frames of calls
 * that the server has just ended as invalid and closes the connection without a reason, so `configure-http2-server.ts`
 * turns them off. No upstream issue is known. `frame-floods.test.ts` and `concurrent-calls.test.ts` show whether Bun's
 * limits can replace this file.
 */
export function createFrameLimits(isSuspect: (peer: string) => boolean): FrameLimits {
  const authenticatedSessions = new WeakSet<ServerHttp2Session>()
  return {
    markAuthenticated: (session) => void authenticatedSessions.add(session),
    limit(socket) {
      const budget = createFrameBudget(() => socket.bytesWritten)
      let session: ServerHttp2Session | undefined
      let opened = 0
      let isEnded = false
      const end = (reason: string) => {
        isEnded = true
        socket.pause()
        if (!session || session.destroyed) return socket.destroy()
        if (!sendGoaway(session, goawayCodes.enhanceYourCalm, 0, reason)) return
        setTimeout(() => session?.destroy(), lingerMs).unref()
      }
      const isSuspectConnection = () =>
        !(session && authenticatedSessions.has(session)) &&
        isSuspect(`${socket.remoteAddress}:${socket.remotePort}`)
      return {
        sessionStarted: (started) => void (session = started),
        countCompleted: budget.countCompleted,
        end,
        get isEnded() {
          return isEnded
        },
        allows(frame) {
          if (frame.isOpening) opened += 1
          const isTooMany = frame.isOpening && opened > maxUnauthenticatedCalls && isSuspectConnection()
          const reason = budget.take(frame) ?? (isTooMany ? 'too many refused calls' : undefined)
          if (reason !== undefined) end(reason)
          return reason === undefined
        },
      }
    },
  }
}
