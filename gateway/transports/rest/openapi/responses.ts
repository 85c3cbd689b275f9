import { faultRow, faults, type FaultCode } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import { ref, type Json, type SchemaName } from './schemas.ts'

/** Building blocks of the answers in the document. */

export function json(description: string, schema: SchemaName, example?: unknown, headers?: Json): Json {
  return {
    description,
    ...(headers ? { headers } : {}),
    content: { 'application/json': { schema: ref(schema), ...(example === undefined ? {} : { example }) } },
  }
}

export const location = {
  Location: { description: 'Path of what was made.', schema: { type: 'string' } },
}

/** What reads may send, so that they know of what was written. */
export const positionParameter = header(
  positionHeader,
  'A position that an answer has brought: this one knows of all that the account had written there, through whichever gateway. `unavailable` when it cannot within two seconds.',
  '^[0-9a-z]{1,11}\\.[0-9a-z]{1,7}$',
)

/** Of whatever writes to a task. */
export const positionHeaders = {
  [positionHeader]: {
    description: 'How far the account has written. A read that sends it back knows of that.',
    schema: { type: 'string' },
  },
}

/** Every call may meet these, whatever it asks for: an unknown query parameter is an `invalid_request`. */
const always: readonly FaultCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'unavailable',
  'internal',
]

/** The refusals of a call, by status, with an example of each code. */
export function refusals(...codes: FaultCode[]): Json {
  const byStatus = Map.groupBy(new Set([...codes, ...always]), (code) => faults[code].http)
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, together]) => [String(status), refusal(status, together)]),
  )
}

/** Of calls that need no credentials and are always answered. */
export const queryRefusal: Json = { '400': refusal(400, ['invalid_request']) }

/** Of calls that need no credentials, and where there are no tokens are answered to this machine only. */
export const originRefusal: Json = { ...queryRefusal, '403': refusal(403, ['forbidden']) }

function refusal(status: number, codes: readonly FaultCode[]): Json {
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
    description: 'Seconds until another try makes sense, where that is known.',
    schema: { type: 'integer' },
  },
}

function problemExample(status: number, code: FaultCode): Json {
  const { title } = faults[code]
  const requestId = '5f0c2a54-6d0e-4c1f-9f55-2d3f6a1f0b7c'
  return { type: `/docs/problems#${code}`, title, status, code, detail: `${title}.`, requestId }
}

/** Stored bytes, whole or in part. */
export function bytes(what: string, missing: FaultCode, mediaTypes: readonly string[]): Json {
  const content = Object.fromEntries(
    mediaTypes.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]),
  )
  const headers = {
    ETag: { description: 'SHA-256 of the bytes, quoted.', schema: { type: 'string' } },
    'Content-Length': { schema: { type: 'integer' } },
  }
  return {
    '200': { description: what, headers, content },
    '206': {
      description: 'The part that was asked for.',
      headers: { ...headers, 'Content-Range': { schema: { type: 'string' } } },
      content,
    },
    '304': { description: 'What the client holds is still right.' },
    ...refusals(missing, 'precondition_failed', 'range_not_satisfiable'),
  }
}

export const conditions = [
  header('Range', 'One range of bytes, such as `bytes=0-1023`; several are answered with the whole.'),
  header('If-Range', 'ETag for which the range holds.'),
  header('If-None-Match', 'ETags that the client holds, or `*`. Weak tags (`W/"…"`) match, too.'),
  header('If-Match', 'ETags without which nothing is sent, or `*`. Weak tags (`W/"…"`) never match.'),
]

/** Of calls that make something. */
export const idempotencyKey = header(
  'Idempotency-Key',
  'A key of your own for this call, 1 to 255 visible ASCII characters such as a UUID. The same call under the same key is done once: further ones get the first answer, with `Idempotency-Replayed: true`. Another call under it is refused.',
  '^[\\x21-\\x7e]{1,255}$',
)

/** What those may be refused with. */
export const keyRefusals = ['idempotency_key_in_use', 'idempotency_key_reused'] as const

/** @param pattern what a value has to match, as a regular expression */
export function header(name: string, description: string, pattern?: string): Json {
  return {
    name,
    in: 'header',
    description,
    schema: { type: 'string', ...(pattern === undefined ? {} : { pattern }) },
  }
}

export function pathId(name: string, description: string, example: string): Json {
  return { name, in: 'path', required: true, description, schema: { type: 'string' }, example }
}

export const download = {
  name: 'download',
  in: 'query',
  description: '`1` to have it offered as a file.',
  schema: { type: 'string', enum: ['1'] },
}
