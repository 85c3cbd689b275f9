import { faultCodesWith, faultRow, faults, type FaultCode } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import { ref, type Json } from './ref.ts'

/** A response with a JSON body. */
export function jsonResponse(description: string, schema: Json, example?: unknown, headers: Json = {}): Json {
  return {
    description,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    content: { 'application/json': { schema, ...(example === undefined ? {} : { example }) } },
  }
}

export const locationHeader = {
  Location: { description: 'Path of the created resource.', schema: { type: 'string' } },
}

/** Request header of reads: the minimum position that the response must reflect. */
export const positionParameter = headerParameter(
  positionHeader,
  'A position from an earlier response of any gateway. The response reflects every write of the account up to it, or is `unavailable` if this gateway does not catch up within two seconds.',
  { pattern: '^[0-9a-z]{1,11}\\.[0-9a-z]{1,7}$', example: '2k.1sse3i' },
)

/** Response header of calls that write. */
export const positionHeaders = {
  [positionHeader]: {
    description: 'Write position of the account. A read that sends it reflects this write.',
    schema: { type: 'string' },
  },
}

/** The problem responses of a call by status, with an example of each code. */
export function problemResponses(...codes: FaultCode[]): Json {
  const byStatus = Map.groupBy(
    new Set([...codes, ...faultCodesWith('isUniversal')]),
    (code) => faults[code].http,
  )
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, together]) => [String(status), problemOf(status, together)]),
  )
}

/** For public calls without an origin check. */
export const queryProblem: Json = { '400': problemOf(400, ['invalid_request']) }

/** For public calls with an origin check: without tokens, only this machine may call. */
export const originProblems: Json = { ...queryProblem, '403': problemOf(403, ['forbidden']) }

function problemOf(status: number, codes: readonly FaultCode[]): Json {
  const examples = codes.map((code) => [code, { value: problemExample(status, code) }] as const)
  return {
    description: codes.map((code) => `\`${code}\`: ${faults[code].title}.`).join(' '),
    ...(codes.some((code) => faultRow(code).isTemporary) ? { headers: retryAfter } : {}),
    content: {
      'application/problem+json': { schema: ref('Problem'), examples: Object.fromEntries(examples) },
    },
  }
}

const retryAfter = {
  'Retry-After': {
    description: 'Seconds after which to repeat the call, if known.',
    schema: { type: 'integer' },
  },
}

function problemExample(status: number, code: FaultCode): Json {
  const { title, remedy } = faults[code]
  const requestId = '5f0c2a54-6d0e-4c1f-9f55-2d3f6a1f0b7c'
  return { type: `/docs/problems#${code}`, title, status, code, detail: `${title}.`, requestId, remedy }
}

/** The responses of calls that return stored content. */
export function contentResponses(description: string, mediaTypes: readonly string[]): Json {
  const content = binaryContent(mediaTypes)
  const headers = {
    ETag: { description: 'SHA-256 of the bytes, quoted.', schema: { type: 'string' } },
    'Content-Length': { schema: { type: 'integer' } },
  }
  return {
    '200': { description, headers, content },
    '206': {
      description: 'The requested range.',
      headers: { ...headers, 'Content-Range': { schema: { type: 'string' } } },
      content,
    },
    ...notModified,
  }
}

/** The response to a conditional request of a client that has the current content. */
export const notModified: Json = {
  '304': { description: 'Not modified: the copy of the client is current.' },
}

/** Response header of content that rarely changes. */
export const etagHeader: Json = {
  ETag: { description: 'Identifies the bytes, in the coding that they have.', schema: { type: 'string' } },
}

/** Bytes of these media types. */
export function binaryContent(mediaTypes: readonly string[]): Json {
  return Object.fromEntries(
    mediaTypes.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
  )
}

export const ifNoneMatchParameter = headerParameter(
  'If-None-Match',
  'ETags of the copies of the client, or `*`. Weak ETags (`W/"…"`) match.',
)

export const conditionalHeaders = [
  headerParameter(
    'Range',
    'One byte range, such as `bytes=0-1023`. Several ranges return the whole content.',
    { example: 'bytes=0-1023' },
  ),
  headerParameter(
    'If-Range',
    'ETag of the content that the range belongs to; for other content the whole is returned.',
  ),
  ifNoneMatchParameter,
  headerParameter('If-Match', 'ETags that the content must have, or `*`. Weak ETags (`W/"…"`) never match.'),
]

/** Request header of calls that create a resource. */
export const idempotencyKeyHeader = headerParameter(
  'Idempotency-Key',
  'A key that the client chooses for this call, 1 to 255 visible ASCII characters, such as a UUID. The same call with the same key is executed once: repeated calls return the first response, with `Idempotent-Replayed: true`. A different call with the same key is refused.',
  { pattern: '^[\\x21-\\x7e]{1,255}$', example: '0f7a1c2e-9d1b-4a57-8c55-6f3e2b1d4a90' },
)

/** Fault codes of calls with an idempotency key. */
export const idempotencyFaults = ['idempotency_key_in_use', 'idempotency_key_reused'] as const

interface HeaderFacts {
  /** Regular expression of valid values. */
  readonly pattern?: string
  readonly example?: string
}

export function headerParameter(
  name: string,
  description: string,
  { pattern, example }: HeaderFacts = {},
): Json {
  return {
    name,
    in: 'header',
    description,
    schema: { type: 'string', ...(pattern === undefined ? {} : { pattern }) },
    ...(example === undefined ? {} : { example }),
  }
}
