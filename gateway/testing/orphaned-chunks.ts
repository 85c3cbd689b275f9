import { connect } from '@pixelflow/nats/connection/connect'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import type { Nats } from '@pixelflow/testkit/nats'
import { readConfig } from '../config.ts'

interface Description {
  readonly nuid: string
  readonly chunks: number
  readonly deleted?: boolean
}

/** Finds chunks in the object store without a description, and descriptions that lack chunks. */
export async function findOrphanedChunks(nats: Nats): Promise<string[]> {
  const log = createLogger({ service: 'test', write: () => {} })
  await using broker = await connect({ settings: readConfig({ ...nats.env }), name: 'test', log })
  const request = async <T>(subject: string, payload?: unknown) =>
    (await broker.request(subject, payload === undefined ? '' : JSON.stringify(payload))).json<T>()
  // The broker returns at most 100,000 subjects.
  const { state } = await request<{ state: { subjects?: Record<string, number> } }>(
    '$JS.API.STREAM.INFO.OBJ_sources',
    { subjects_filter: '>' },
  )
  const found = Object.entries(state.subjects ?? {})
  const prefix = '$O.sources.C.'
  const chunks = new Map(
    found.flatMap(([subject, count]) =>
      subject.startsWith(prefix) ? [[subject.slice(prefix.length), count]] : [],
    ),
  )
  const orphans: string[] = []
  for (const [subject] of found) {
    if (subject.startsWith(prefix)) continue
    const {
      nuid,
      chunks: expected,
      deleted,
    } = await request<Description>(`$JS.API.DIRECT.GET.OBJ_sources.${subject}`)
    if (!deleted && chunks.get(nuid) !== expected) orphans.push(`${subject} lacks chunks`)
    if (!deleted) chunks.delete(nuid)
  }
  return [...orphans, ...[...chunks].map(([nuid, count]) => `${count} chunks of ${nuid}`)]
}
