import { createInbox, type Msg } from '@nats-io/nats-core'
import { Refused, Unreachable, type Broker } from './broker.ts'
import { storedOf, type Stored } from './jetstream.ts'

/**
 * Direct gets: reads that any replica answers, without a consumer. On a replicated stream they may be a moment behind
 * its leader.
 */

/** The last message of a subject; null when there is none. */
export async function lastOf(broker: Broker, stream: string, subject: string): Promise<Stored | null> {
  const answer = await broker.request(`$JS.API.DIRECT.GET.${stream}.${subject}`)
  const status = answer.headers?.code ?? 0
  if (status === 0) return storedOf(answer)
  if (status === 404) return null
  throw refusal(status, answer)
}

export interface BatchRequest {
  /** First sequence to look at, from 1. */
  readonly seq: number
  /** Only this subject; default all. */
  readonly subject?: string
  /** So many messages at most. */
  readonly batch: number
}

const silenceMs = 5000

/** The next messages from a sequence on, at once: mind how large a batch gets in memory. Empty when there are none. */
export async function batchOf(broker: Broker, stream: string, request: BatchRequest): Promise<Stored[]> {
  const { seq, subject, batch } = request
  if (!broker.connected) await broker.up(silenceMs)
  return new Promise((resolve, reject) => {
    const found: Stored[] = []
    const end = (error?: Error) => {
      clearTimeout(silence)
      stopListening()
      subscription.unsubscribe()
      if (error) reject(error)
      else resolve(found)
    }
    const subscription = broker.nc.subscribe(createInbox(), {
      callback: (error, msg) => {
        if (error) return end(error)
        const status = msg.headers?.code ?? 0
        if (status === 0) {
          silence.refresh()
          found.push(storedOf(msg))
        } else if (status === 204 || status === 404) end()
        else end(refusal(status, msg))
      },
    })
    const silence = setTimeout(() => end(new Unreachable(`no answer from ${stream}`)), silenceMs)
    const stopListening = broker.onDown(() => end(new Unreachable('the connection broke while reading')))
    const which = subject === undefined ? { seq, batch } : { seq, batch, next_by_subj: subject }
    broker.nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(which), {
      reply: subscription.getSubject(),
    })
  })
}

function refusal(status: number, msg: Msg): Error {
  const said = `${msg.headers?.description ?? 'refused'} (${status})`
  return status === 503 || status === 408 ? new Unreachable(said) : new Refused(status, said)
}
