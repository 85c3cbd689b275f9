import { z } from 'zod'
import type { Broker } from './broker.ts'

/** What nats-server says of its own health to a user of its system account. */
const healthAnswer = z.object({
  data: z.object({
    status: z.string(),
    errors: z.array(z.object({ type: z.string(), stream: z.string().optional() })).default([]),
  }),
})

/**
 * Streams that a server cannot use, as one does that it could not write; empty when all are fine. It stays so until the
 * server is restarted.
 * @param broker connected by a user of the system account; of several servers whichever answers first.
 */
export async function brokenStreams(broker: Broker): Promise<readonly string[]> {
  const answer = await broker.request('$SYS.REQ.SERVER.PING.HEALTHZ', JSON.stringify({ details: true }))
  const { errors } = healthAnswer.parse(answer.json()).data
  return errors.flatMap(({ stream }) => (stream === undefined ? [] : [stream]))
}
