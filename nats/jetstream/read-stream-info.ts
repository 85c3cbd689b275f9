import type { StreamInfo } from '@nats-io/jetstream'
import { assertSuccess, type ApiAnswer } from '../connection/jet-stream-error.ts'
import type { Broker } from '../connection/broker.ts'
import { callApi } from './call-api.ts'

export function readStreamInfo(broker: Broker, stream: string): Promise<StreamInfo> {
  return callApi(broker, `stream ${stream}`, (manager) => manager.streams.info(stream))
}

/** When the stream's leader answered, by the clock that dates the stream's messages; milliseconds since 1970. */
export function leaderTime({ ts }: StreamInfo): number {
  const ms = Date.parse(ts ?? '')
  if (Number.isNaN(ms)) throw new Error(`invalid time in the stream info: ${ts}`)
  return ms
}

/** The number of messages of a subject, asked of the stream's leader. */
export async function countMessages(broker: Broker, stream: string, subject: string): Promise<number> {
  const info = await callApi(broker, `stream ${stream}`, (manager) =>
    manager.streams.info(stream, { subjects_filter: subject }),
  )
  return info.state.subjects?.[subject] ?? 0
}

interface SubjectsPage extends ApiAnswer {
  readonly total?: number
  readonly state?: { readonly subjects?: Readonly<Record<string, number>> | null }
}

/** One page of the subjects that have messages, from `offset` on, and their total number. */
export async function readStreamSubjects(
  broker: Broker,
  stream: string,
  filter: string,
  offset: number,
): Promise<{ subjects: string[]; total: number }> {
  // The official client collects all pages in memory.
  const request = JSON.stringify({ subjects_filter: filter, offset })
  const answer = await broker.request(`$JS.API.STREAM.INFO.${stream}`, request)
  const { total = 0, state } = assertSuccess(answer.json<SubjectsPage>())
  return { subjects: Object.keys(state?.subjects ?? {}), total }
}
