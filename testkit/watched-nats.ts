import { startNats, type Nats } from './nats.ts'
import { freePort } from './port.ts'

/** A broker whose content can be counted from outside. */
export interface WatchedNats extends AsyncDisposable {
  readonly nats: Nats
  /** Messages in every stream, by its name. Shows what was left behind. */
  messages(): Promise<Record<string, number>>
  /** Bytes in every stream, by its name. */
  bytes(): Promise<Record<string, number>>
}

interface Report {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { name: string; state: { messages: number; bytes: number } }[]
  }[]
}

/** Starts nats-server with its monitoring endpoint, so that a test can count without a client of the broker. */
export async function startWatchedNats(): Promise<WatchedNats> {
  const port = await freePort()
  const nats = await startNats({ config: `http: "127.0.0.1:${port}"` })
  const count = async (what: 'messages' | 'bytes') => {
    const answer = await fetch(`http://127.0.0.1:${port}/jsz?streams=true&accounts=true`)
    const { account_details = [] } = (await answer.json()) as Report
    const streams = account_details.flatMap(({ stream_detail = [] }) => stream_detail)
    return Object.fromEntries(streams.map(({ name, state }) => [name, state[what]]))
  }
  return {
    nats,
    messages: () => count('messages'),
    bytes: () => count('bytes'),
    [Symbol.asyncDispose]: () => nats[Symbol.asyncDispose](),
  }
}
