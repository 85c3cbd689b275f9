import { connect } from '@pixelflow/nats/connection/connect'
import { createLogger } from '@pixelflow/platform/telemetry/logger'
import type { Nats } from '@pixelflow/testkit/nats'
import { readConfig } from '../config.ts'

interface Description {
  readonly nuid: string
  readonly chunks: number
  readonly deleted?: boolean
}

/** Chunks of uploads in the store that no description speaks of, and descriptions without all of their chunks. */
export async function findOrphanedChunks(nats: Nats): Promise<string[]> {
  const log = createLogger({ service: 'test', write: () => {} })
  await using broker = await connect({ settings: readConfig({ ...nats.env }), name: 'test', log })
  const ask = async <T>(subject: string, question?: unknown) =>
    (await broker.request(subject, question === undefined ? '' : JSON.stringify(question))).json<T>()
  // The broker tells of 100,000 subjects at once.
  const { state } = await ask<{ state: { subjects?: Record<string, number> } }>(
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
  const strays: string[] = []
  for (const [subject] of found) {
    if (subject.startsWith(prefix)) continue
    const {
      nuid,
      chunks: promised,
      deleted,
    } = await ask<Description>(`$JS.API.DIRECT.GET.OBJ_sources.${subject}`)
    if (!deleted && chunks.get(nuid) !== promised) strays.push(`${subject} lacks chunks`)
    if (!deleted) chunks.delete(nuid)
  }
  return [...strays, ...[...chunks].map(([nuid, count]) => `${count} chunks of ${nuid}`)]
}
