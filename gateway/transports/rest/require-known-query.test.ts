import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import type { ImageView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import * as calls from '../../calls/calls.gen.ts'
import type { CallDeclaration } from '../../calls/declare-call.ts'

let gateway: TestGateway
let photo: Uint8Array<ArrayBuffer>
let image: ImageView
let task: string
beforeAll(async () => {
  gateway = await openTestGateway()
  photo = new Uint8Array(await sampleImage({ width: 40, height: 30 }))
  image = await gateway.image(photo)
  task = (await gateway.submit(image.id)).id
}, 60_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

const routes = (Object.values(calls) as CallDeclaration[]).flatMap(({ http }) =>
  http ? [http.method, ...(http.head ? ['HEAD'] : [])].map((method) => [method, http.path] as const) : [],
)
const concrete = (path: string) => path.replace('{id}', task).replace('{name}', 'default')

describe('a query parameter', () => {
  test.each([...routes, ['GET', '/api/v1/tasks/'] as const])(
    'that is unknown is refused by %s %s',
    async (method, path) => {
      const answer = await gateway.call(`${concrete(path)}?nonsense=1`, { method })
      expect(answer.status).toBe(400)
      if (method === 'HEAD') return
      expect((await answer.json()) as Problem).toMatchObject({
        code: 'invalid_request',
        field: 'nonsense',
        detail: 'The query parameter "nonsense" is unknown.',
        remedy: expect.stringMatching(/^Leave the parameter out: .*query parameters/),
      })
    },
  )

  test('that is unknown is refused with the list of known ones', async () => {
    const { remedy } = await gateway.refusal(gateway.call('/api/v1/tasks?sort=date'))
    expect(remedy).toBe(
      'Leave the parameter out: the query parameters of this call are status, limit, cursor.',
    )
    const none = await gateway.refusal(gateway.call(`/api/v1/tasks/${task}?fields=id`))
    expect(none.remedy).toBe('Leave the parameter out: this call has no query parameters.')
  })

  test('that is unknown prevents the call', async () => {
    const refused = await gateway.refusal(gateway.call(`/api/v1/tasks/${task}?force=1`, { method: 'DELETE' }))
    expect(refused).toMatchObject({ status: 400, field: 'force' })
    expect((await gateway.call(`/api/v1/tasks/${task}`)).status).toBe(200)
  })

  test.each([
    ['/api/v1/tasks?limit=1&limit=2', 'limit'],
    ['/api/v1/tasks?status=queued&limit=1&status=queued', 'status'],
    ['/api/v1/admin/dead?cursor=a&%63ursor=a', 'cursor'],
  ])('that is repeated is refused: %s', async (path, field) => {
    const detail = `The query parameter "${field}" is repeated.`
    expect(await gateway.refusal(gateway.call(path))).toMatchObject({ status: 400, field, detail })
  })

  test('that is repeated is refused before the body is read', async () => {
    const init = { method: 'POST', body: photo, headers: { 'content-type': 'image/jpeg' } }
    const path = '/api/v1/process?recipe=flip&recipe=resize:10'
    expect(await gateway.refusal(gateway.call(path, init))).toMatchObject({ status: 400, field: 'recipe' })
  })

  test.each([
    [`/content?download=yes`, 'download must be 1, got "yes".'],
    [`/content?download=`, 'download must be 1, got "".'],
  ])('with an invalid value is refused: %s', async (path, detail) => {
    const answer = gateway.call(`/api/v1/images/${image.id}${path}`)
    expect(await gateway.refusal(answer)).toMatchObject({ status: 400, field: 'download', detail })
  })

  test.each(['?download=1', '?%64ownload=%31', '?', '?&'])('is accepted in the form %s', async (query) => {
    const { status, headers } = await gateway.call(`/api/v1/images/${image.id}/content${query}`)
    expect([status, headers.get('content-disposition')?.split(';')[0]]).toEqual([
      200,
      query.length > 2 ? 'attachment' : 'inline',
    ])
  })

  test('of an HTML page can be unknown: other programs append to links', async () => {
    for (const path of ['/', '/docs', '/docs/problems'])
      expect([path, (await gateway.call(`${path}?utm_source=mail&a=1&a=2`)).status]).toEqual([path, 200])
  })

  test('of an unknown path does not change the 404 or 405', async () => {
    expect((await gateway.call('/api/v1/nothing?x=1')).status).toBe(404)
    expect((await gateway.call('/api/v1/tasks?x=1', { method: 'PUT' })).status).toBe(405)
  })
})
