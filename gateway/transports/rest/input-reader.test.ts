import { describe, expect, test } from 'bun:test'
import { z } from 'zod'
import { declareCall } from '../../calls/declare-call.ts'
import { createInputReader } from './input-reader.ts'

const facts = {
  name: 'sampleCall',
  tag: 'system',
  summary: 'A call',
  access: 'public',
  faults: [],
  limits: 'json',
  output: null,
  response: { description: 'Done.' },
  open: () => () => ({ value: undefined }),
} as const
const inQuery = z.strictObject({
  id: z.string(),
  isLarge: z.boolean().optional(),
  share: z.number().min(0).max(1).optional(),
  limit: z.int().default(50),
})
const reading = createInputReader(
  declareCall({ ...facts, http: { method: 'GET', path: '/x/{id}' }, input: inQuery }),
)
const writing = createInputReader(
  declareCall({
    ...facts,
    http: { method: 'POST', path: '/x/{id}', body: 'json' },
    input: z.strictObject({ id: z.string(), name: z.string() }),
  }),
)
const read = (query: string) => reading.read(new Request(`http://localhost/x/7${query}`), { id: '7' })

describe('a query', () => {
  test.each([
    ['', { id: '7', limit: 50 }],
    ['?limit=3', { id: '7', limit: 3 }],
    ['?isLarge=true&share=0.25', { id: '7', limit: 50, isLarge: true, share: 0.25 }],
    ['?isLarge=false&share=1e-2', { id: '7', limit: 50, isLarge: false, share: 0.01 }],
  ])('%s has the types of the schema', (query, expected) => expect(read(query)).toEqual(expected))

  test.each(['?limit=x', '?limit=1.5', '?limit=', '?isLarge=yes', '?isLarge=1', '?share=half', '?share=2'])(
    '%s is refused',
    (query) => expect(() => read(query)).toThrow(/in the query must be/),
  )
})

describe('a body', () => {
  const request = new Request('http://localhost/x/7', { method: 'POST' })
  test('is joined with the path', () => {
    expect(writing.read(request, { id: '7' }, { name: 'a' })).toEqual({ id: '7', name: 'a' })
  })

  test('may not have fields of the path', () => {
    expect(() => writing.read(request, { id: '7' }, { id: '8', name: 'a' })).toThrow(
      'Unknown field "id" in the body.',
    )
  })

  test.each([[null], ['text'], [[]]])('%p is refused as a whole', (body) => {
    expect(() => writing.read(request, { id: '7' }, body)).toThrow(/^The body must be/)
  })
})

test('a field that text cannot hold is an error of the declaration', () => {
  const input = z.strictObject({ tags: z.array(z.string()) })
  const declared = declareCall({ ...facts, http: { method: 'GET', path: '/x' }, input })
  expect(() => createInputReader(declared)).toThrow('sampleCall: "tags" cannot be in a path or query')
})
