import { z } from 'zod'
import type { Broker } from './broker.ts'

/** The health of a nats-server, readable by users of its system account. */
const healthAnswer = z.object({
  data: z.object({
    status: z.string(),
    errors: z.array(z.object({ type: z.string(), stream: z.string().optional() })).default([]),
  }),
})

/**
 * Streams that a server has given up, for example because it could not write them; empty when all are healthy. A stream stays
 * broken until the server is restarted.
 * @param broker connected as a user of the system account; of several servers the first one answers.
 */
export async function brokenStreams(broker: Broker): Promise<readonly string[]> {
  const answer = await broker.request('$SYS.REQ.SERVER.PING.HEALTHZ', JSON.stringify({ details: true }))
  const { errors } = healthAnswer.parse(answer.json()).data
  return errors.flatMap(({ stream }) => (stream === undefined ? [] : [stream]))
}
