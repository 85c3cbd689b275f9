import { expect, test } from 'bun:test'
import { readJson } from './body.ts'

const sent = (body: string) => readJson(new Request('http://localhost/', { method: 'POST', body }))

test('a key that schemas would pass over in silence is refused, wherever it stands', async () => {
  for (const body of ['{"__proto__":1}', '{"a":[{"\\u005f_proto__":{}}]}'])
    await expect(sent(body)).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await sent('{"proto":["__proto__"]}')).toEqual({ proto: ['__proto__'] })
})
