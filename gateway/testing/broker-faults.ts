import type { Nats } from '@pixelflow/testkit/nats'
import { freezeProcess } from '@pixelflow/testkit/freeze-process'

/** A way to make the broker unavailable, and to restore it. */
export interface BrokerFault {
  begin(nats: Nats): Promise<void> | void
  end(nats: Nats): Promise<void> | void
}

export const brokerFaults: Readonly<Record<'killed' | 'frozen', BrokerFault>> = {
  killed: { begin: (nats) => nats.kill9(), end: (nats) => nats.restart() },
  /** The sockets stay open, so only timeouts detect it. */
  frozen: {
    begin: (nats) => freezeProcess(nats.pid),
    end: (nats) => void process.kill(nats.pid, 'SIGCONT'),
  },
}

/** The documented limit of a call while the broker is unavailable, with tolerance for a busy machine. */
export const maxAnswerMs = 25_000

/** Settles as the call does. @throws Error naming the call when it takes longer than the limit. */
export async function settlesInTime<T>(what: string, call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not settle within ${maxAnswerMs} ms`)),
      maxAnswerMs,
    )
  })
  try {
    return await Promise.race([call, late])
  } finally {
    clearTimeout(timer)
  }
}
