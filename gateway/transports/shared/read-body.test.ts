import { expect, test } from 'bun:test'
import { jsonBounds } from '@pixelflow/core/json-bounds'
import { createRequestMemory } from '../../limits/request-memory.ts'
import { readJson } from './read-body.ts'
import { requestContextOf } from './request-context.ts'

const KiB = 1024
const memory = createRequestMemory({
  totalBytes: 1024 * KiB,
  perAccountBytes: 1024 * KiB,
  perPeerBytes: 1024 * KiB,
})

const readFrom = async (body: string) => {
  const request = new Request('http://localhost/', { method: 'POST', body })
  const context = requestContextOf(request)
  context.memory = memory
  try {
    return await readJson(request)
  } finally {
    context.reservation?.close()
  }
}

test('the key __proto__ is refused at every depth', async () => {
  for (const body of ['{"__proto__":1}', '{"a":[{"\\u005f_proto__":{}}]}'])
    await expect(readFrom(body)).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await readFrom('{"proto":["__proto__"]}')).toEqual({ proto: ['__proto__'] })
})

test('JSON with too many keys, levels or values is refused before it is parsed', async () => {
  const keys = JSON.stringify(
    Object.fromEntries(Array.from({ length: jsonBounds.keys + 1 }, (_, i) => [i, 1])),
  )
  const values = `[${'1,'.repeat(jsonBounds.values + 1)}`
  for (const [body, problem] of [
    [keys, '256 keys'],
    ['['.repeat(20), '16 levels'],
    [values, '16384 values'],
  ] as const) {
    await expect(readFrom(body)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(problem),
    })
  }
})

test('a body beyond the memory budget is refused, and its reservation is released', async () => {
  await expect(readFrom(JSON.stringify('x'.repeat(600 * KiB)))).rejects.toMatchObject({ code: 'overloaded' })
  expect(memory.heldBytes).toBe(0)
  expect(await readFrom('[]')).toEqual([])
})
