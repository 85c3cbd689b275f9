import { afterAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import type { GatewayProcess } from '@pixelflow/testkit/stack'
import type { Page } from 'playwright-core'
import { useBrowserFixture } from './browser-fixture.ts'

/** Pages of other origins in a real browser: only listed origins can call the server. */

let gateway: GatewayProcess
const listed = serveEmptyPage()
const unlisted = serveEmptyPage()

function serveEmptyPage() {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () =>
      new Response('<!doctype html><title>a page</title>', { headers: { 'content-type': 'text/html' } }),
  })
  return { server, origin: `http://127.0.0.1:${server.port}` }
}

const fixture = useBrowserFixture(async ({ stack }) => {
  gateway = await stack.gateway({ env: { PIXELFLOW_CORS_ORIGINS: listed.origin } })
})
afterAll(async () => {
  await Promise.all([listed, unlisted].map(({ server }) => server.stop(true)))
})

async function openAt<T>(origin: string, run: (page: Page) => Promise<T>): Promise<T> {
  const context = await fixture.browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(origin)
    return await run(page)
  } finally {
    await context.close()
  }
}

/** Runs in the page. */
async function useEverything({ url, file }: { url: string; file: string }) {
  const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0))
  const uploaded = await fetch(`${url}/api/v1/images`, {
    method: 'POST',
    body: bytes,
    headers: { 'content-type': 'image/jpeg', 'x-request-id': 'from-a-page' },
  })
  const imagePath = uploaded.headers.get('location') ?? ''
  const part = await fetch(`${url}${imagePath}/content`, { headers: { range: 'bytes=0-7' } })
  const task = await fetch(`${url}/api/v1/tasks`, {
    method: 'POST',
    body: JSON.stringify({ image: imagePath.slice(imagePath.lastIndexOf('/') + 1), recipe: 'resize:10' }),
    headers: { 'content-type': 'application/json' },
  })
  const taskPath = task.headers.get('location') ?? ''
  const events = await fetch(`${url}${taskPath}/events`)
  const first = await events.body?.getReader().read()
  const call = await fetch(`${url}/pixelflow.v1.ImageService/GetTask`, {
    method: 'POST',
    body: JSON.stringify({ id: taskPath.slice(taskPath.lastIndexOf('/') + 1) }),
    headers: {
      'content-type': 'application/json',
      'connect-protocol-version': '1',
      'connect-timeout-ms': '5000',
    },
  })
  const { task: created } = (await call.json()) as { task?: { status?: string } }
  const deleted = await fetch(`${url}${taskPath}`, { method: 'DELETE' })
  return {
    uploaded: [uploaded.status, uploaded.headers.get('x-request-id')],
    part: [
      part.status,
      part.headers.get('content-range')?.startsWith('bytes 0-7/'),
      (await part.blob()).size,
    ],
    first: new TextDecoder().decode(first?.value).includes('heartbeat'),
    call: [call.status, created?.status],
    deleted: deleted.status,
  }
}

/** Runs in the page: the outcome of each kind of request. */
async function tryEverything(url: string) {
  const outcome = (call: Promise<Response>) =>
    call.then(
      ({ status, type }) => `${type} ${status}`,
      (error: Error) => error.name,
    )
  return {
    read: await outcome(fetch(`${url}/api/v1/tasks`)),
    write: await outcome(
      fetch(`${url}/api/v1/tasks`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      }),
    ),
    remove: await outcome(fetch(`${url}/api/v1/tasks/any`, { method: 'DELETE' })),
    call: await outcome(
      fetch(`${url}/pixelflow.v1.ImageService/ListTasks`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      }),
    ),
    // Sent without a preflight request; the response is opaque.
    opaque: await outcome(fetch(`${url}/api/v1/tasks`, { method: 'POST', body: 'x', mode: 'no-cors' })),
  }
}

describe('a page of another origin', () => {
  test('that is listed uses REST, events and Connect', async () => {
    const file = Buffer.from(await sampleImage({ width: 40, height: 30 })).toString('base64')
    const input = { url: gateway.url, file }
    expect(await openAt(listed.origin, (page) => page.evaluate(useEverything, input))).toEqual({
      uploaded: [201, 'from-a-page'],
      part: [206, true, 8],
      first: true,
      call: [200, 'TASK_STATUS_QUEUED'],
      deleted: 204,
    })
  }, 60_000)

  test('that is not listed can neither read nor change anything', async () => {
    const before = await taskCount()
    expect(await openAt(unlisted.origin, (page) => page.evaluate(tryEverything, gateway.url))).toEqual({
      read: 'TypeError',
      write: 'TypeError',
      remove: 'TypeError',
      call: 'TypeError',
      opaque: 'opaque 0',
    })
    expect(await taskCount()).toBe(before)
  }, 60_000)
})

async function taskCount(): Promise<number> {
  const response = await fetch(`${gateway.url}/api/v1/tasks`)
  return ((await response.json()) as { items: unknown[] }).items.length
}
