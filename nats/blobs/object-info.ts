import type { BlobInfo, LocatedBlob } from '@pixelflow/core/ports/blobs'
import { z } from 'zod'
import type { StoredMessage } from '../jetstream/stored-message.ts'

/**
 * The description of an object in the format of the NATS object store (ADR-20), which its clients read and write.
 */
export const objectInfo = z.object({
  name: z.string(),
  bucket: z.string(),
  /** Last token of the chunks' subject. */
  nuid: z.string(),
  size: z.int().nonnegative().default(0),
  chunks: z.int().nonnegative().default(0),
  /** `SHA-256=` and the digest in padded base64url. */
  digest: z.string().default(''),
  mtime: z.string().default(''),
  deleted: z.boolean().default(false),
  options: z.object({ max_chunk_size: z.int().positive().optional() }).default({}),
  metadata: z.record(z.string(), z.string()).default({}),
})
export type ObjectInfo = z.infer<typeof objectInfo>

/** Additional metadata: the sequences of the chunks, so that a range can be read directly. */
const sequencesKey = 'pixelflow-chunks'

export const chunkSizeOf = (info: ObjectInfo) => info.options.max_chunk_size ?? 128 * 1024

export interface ObjectEntry {
  readonly info: ObjectInfo
  /** Sequence of the description, for compare-and-swap. */
  readonly seq: number
  /** When the broker stored it. */
  readonly at: Date
}

export function parseObjectEntry({ seq, at, data }: StoredMessage): ObjectEntry {
  return { info: objectInfo.parse(JSON.parse(new TextDecoder().decode(data))), seq, at }
}

export function blobInfoOf({ info, at }: ObjectEntry): BlobInfo {
  const { [sequencesKey]: _, ...metadata } = info.metadata
  const location = locationOf(info)
  return {
    name: info.name,
    bytes: info.size,
    sha256: hexOfDigest(info.digest),
    storedAt: at,
    metadata,
    ...(location === undefined ? {} : { location }),
  }
}

/** Longest location in the store. That of a blob whose chunks are scattered would be longer, and is left out. */
const maxStoredLocationLength = 1000

/** `<nuid>.<bytes of a chunk>.<sequences>`, without sequences for at most one chunk. Undefined when they are not noted. */
function locationOf({ nuid, chunks, options, metadata }: ObjectInfo): string | undefined {
  const sequences = chunks > 1 ? metadata[sequencesKey] : ''
  if (options.max_chunk_size === undefined || sequences === undefined) return undefined
  const location = `${nuid}.${options.max_chunk_size}.${sequences}`
  return location.length <= maxStoredLocationLength ? location : undefined
}

/** The description that belongs to a location; undefined when the location does not fit a blob of this size. */
export function infoAtLocation(bucket: string, blob: LocatedBlob): ObjectInfo | undefined {
  const match = /^([A-Za-z0-9_-]+)\.([1-9]\d{0,9})\.([\d,-]*)$/.exec(blob.location ?? '')
  if (match === null) return undefined
  const [, nuid = '', chunkBytes, sequences = ''] = match
  const chunks = Math.ceil(blob.bytes / Number(chunkBytes))
  if (countChunks(parseRuns(sequences) ?? []) !== (chunks > 1 ? chunks : 0)) return undefined
  return {
    name: blob.name,
    bucket,
    nuid,
    size: blob.bytes,
    chunks,
    digest: digestOf(blob.sha256),
    mtime: '',
    deleted: false,
    options: { max_chunk_size: Number(chunkBytes) },
    metadata: chunks > 1 ? { [sequencesKey]: sequences } : {},
  }
}

export function digestOf(hex: string): string {
  const plain = Buffer.from(hex, 'hex').toString('base64url')
  return `SHA-256=${plain.padEnd(Math.ceil(plain.length / 4) * 4, '=')}`
}

function hexOfDigest(digest: string): string {
  return Buffer.from(digest.replace(/^SHA-256=/i, ''), 'base64url').toString('hex')
}

/** The metadata with the sequences of the chunks, if there are several of equal size. */
export function withSequences(
  metadata: Record<string, string>,
  sequences: readonly number[],
  isUniform: boolean,
) {
  return isUniform && sequences.length > 1 ? { ...metadata, [sequencesKey]: formatRuns(sequences) } : metadata
}

/** The noted sequence of the last chunk; undefined without notes. */
export function lastSequence(info: ObjectInfo): number | undefined {
  const last = parseRuns(info.metadata[sequencesKey] ?? '')?.at(-1)
  return last && last.seq + last.chunks - 1
}

/** Chunks with consecutive sequences. */
export interface Run {
  readonly seq: number
  readonly chunks: number
}

/** Where the chunks of a byte range are. */
export interface ChunkLocation {
  /** The byte of the object at which the first chunk begins. */
  readonly offset: number
  /** Undefined without notes: the chunks must be read from the beginning of the object. */
  readonly runs?: readonly Run[]
}

/** Finds the chunks of the bytes from `start` to before `end`. */
export function locateChunks(info: ObjectInfo, start: number, end: number): ChunkLocation {
  const noted = parseRuns(info.metadata[sequencesKey] ?? '')
  if (info.chunks <= 1 || !noted || countChunks(noted) !== info.chunks) return { offset: 0 }
  const size = chunkSizeOf(info)
  const first = Math.floor(start / size)
  const after = Math.ceil(end / size)
  const runs: Run[] = []
  let index = 0
  for (const { seq, chunks } of noted) {
    const from = Math.max(first - index, 0)
    const to = Math.min(after - index, chunks)
    if (from < to) runs.push({ seq: seq + from, chunks: to - from })
    index += chunks
  }
  return { offset: first * size, runs }
}

function countChunks(runs: readonly Run[]): number {
  return runs.reduce((sum, { chunks }) => sum + chunks, 0)
}

/** `12-15,20` for 12, 13, 14, 15, 20: short, because most sequences are consecutive. */
function formatRuns(sequences: readonly number[]): string {
  const found: [number, number][] = []
  for (const seq of sequences) {
    const last = found.at(-1)
    if (last && last[1] + 1 === seq) last[1] = seq
    else found.push([seq, seq])
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

/** Undefined for an invalid format: other clients may write any metadata. */
function parseRuns(noted: string): Run[] | undefined {
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(noted)) return undefined
  const runs = noted.split(',').map((run) => {
    const [first = 0, last = first] = run.split('-').map(Number)
    return { seq: first, chunks: last - first + 1 }
  })
  return runs.every(({ chunks }) => chunks > 0) ? runs : undefined
}
