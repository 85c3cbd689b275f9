import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FrameLimit } from './credit.ts'
import { createFrameBudget } from './frame-budget.ts'
import { goaway, goawayCodes } from './goaway.ts'

/** How long a client may take to read why its connection ends. Nothing of it is read meanwhile. */
const lingerMs = 1000

/**
 * Ends a connection that sends more frames without content than any use of gRPC needs: GOAWAY with ENHANCE_YOUR_CALM. The
 * frames are counted where the bytes arrive, because reading them is the work that delays other clients.
 */
export function limitFrames(socket: Socket): FrameLimit {
  const budget = createFrameBudget(() => socket.bytesWritten)
  let session: ServerHttp2Session | undefined
  let isOver = false
  const end = (why: string) => {
    isOver = true
    socket.pause()
    if (!session || session.destroyed) return socket.destroy()
    if (!goaway(session, goawayCodes.enhanceYourCalm, 0, why)) return
    setTimeout(() => session?.destroy(), lingerMs).unref()
  }
  return {
    began: (one) => void (session = one),
    completed: budget.completed,
    end,
    get isOver() {
      return isOver
    },
    allows(frame) {
      const why = budget.take(frame)
      if (why !== undefined) end(why)
      return why === undefined
    },
  }
}
