import { expect, test } from 'bun:test'
import { fetchOptions, createTestCertificates } from '../testing/test-certificates.ts'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'

/** Requests that routers may interpret differently. */
const requests: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/'],
  ['GET', '/nope'],
  ['GET', '/health'],
  ['GET', '/health/'],
  ['GET', '/health/live/'],
  ['HEAD', '/health/live'],
  ['POST', '/health/live'],
  ['GET', '/docs'],
  ['GET', '/docs/'],
  ['GET', '/docs/problems'],
  ['GET', '/api/v1/tasks'],
  ['GET', '/api/v1/tasks/'],
  ['GET', '/API/v1/tasks'],
  ['GET', '//api/v1/tasks'],
  ['GET', '/api/v1/tasks?limit=-1'],
  ['GET', '/api/v1/tasks/a%2Fb'],
  ['GET', '/api/v1/tasks/%E0%A4%A'],
  ['GET', '/api/v1/tasks/%00'],
  ['GET', '/api/v1/tasks/a+b%20c/'],
  ['GET', '/api/v1/tasks/x/outputs/%2e%2e'],
  ['HEAD', '/api/v1/images/x/content'],
  ['HEAD', '/api/v1/actors'],
  ['OPTIONS', '/api/v1/tasks'],
  ['PATCH', '/api/v1/tasks'],
  ['DELETE', '/api/v1/images/x'],
  ['GET', '/api/v1/tune'],
  ['GET', '/pixelflow.v1.ImageService/ListTasks'],
  ['POST', '/pixelflow.v1.ImageService/Nope'],
]

test('a request gets the same response with and without TLS', async () => {
  await using certificates = await createTestCertificates()
  await using plain = await openTestGateway()
  const { PIXELFLOW_TLS_CERT_FILE = '', PIXELFLOW_TLS_KEY_FILE = '' } = certificates.env
  await using secure = await openTestGateway({ env: { PIXELFLOW_TLS_CERT_FILE, PIXELFLOW_TLS_KEY_FILE } })
  const options = fetchOptions(certificates.authority)
  for (const [method, path] of requests) {
    const [over, without] = await Promise.all([
      answer(secure, path, { method, ...options }),
      answer(plain, path, { method }),
    ])
    expect({ method, path, ...over }).toEqual({ method, path, ...without })
  }
}, 60_000)

async function answer(gateway: TestGateway, path: string, init: BunFetchRequestInit) {
  const response = await fetch(gateway.url + path, init)
  const text = await response.text()
  const isProblem = text !== '' && response.headers.get('content-type') === 'application/problem+json'
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    allow: response.headers.get('allow'),
    ...(isProblem && { problem: { ...(JSON.parse(text) as object), requestId: '' } }),
  }
}
