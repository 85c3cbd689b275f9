import type { Server } from 'bun'
import type { IdleTimeout } from '../shared/read-body.ts'

/** How much later the timeout of the server comes: until then the partial upload is deleted and the fault is sent. */
const afterSeconds = 60

/**
 * Lets the client pause for `pauseMs`, then `readBody` ends the request with a fault. The timeout of Bun's server only closes
 * the connection, without a response, and demands 16 kB a second on average; so it is set later, and each piece restarts it.
 */
export function startIdleTimeout(
  server: Server<unknown> | null,
  request: Request,
  pauseMs: number,
): IdleTimeout {
  // Bun's timeout counts to 255 s; the setting for `pauseMs` leaves enough time for that.
  const seconds = Math.ceil(pauseMs / 1000) + afterSeconds
  let restartedAt = -Infinity
  const restart = () => {
    const now = performance.now()
    if (now - restartedAt < 500) return
    restartedAt = now
    server?.timeout(request, seconds)
  }
  restart()
  return Object.assign(restart, { pauseMs })
}
