import type { Nats } from '@pixelflow/testkit/nats'

/** A way in which a broker stops to answer, and its end. Only tests use this. */
export interface BrokerFault {
  begin(nats: Nats): Promise<void> | void
  end(nats: Nats): Promise<void> | void
}

export const brokerFaults: Readonly<Record<'killed' | 'frozen', BrokerFault>> = {
  killed: { begin: (nats) => nats.kill9(), end: (nats) => nats.restart() },
  /** Its sockets stay open: nothing but silence tells. */
  frozen: {
    begin: (nats) => void process.kill(nats.pid, 'SIGSTOP'),
    end: (nats) => void process.kill(nats.pid, 'SIGCONT'),
  },
}

/** How long a call may take whatever the broker does: the limit that is promised, with room for a busy machine. */
export const longestAnswerMs = 25_000

/** What a call is answered with, unless it hangs. */
export async function settlesInTime<T>(what: string, call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} was not answered within ${longestAnswerMs} ms`)),
      longestAnswerMs,
    )
  })
  try {
    return await Promise.race([call, late])
  } finally {
    clearTimeout(timer)
  }
}
