import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'

/** Pages of other origins in a real browser: only listed origins can call the server. */

let stack: Stack
let browser: Browser
let gateway: GatewayProcess
const named = openPage()
const stranger = openPage()

function openPage() {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () =>
      new Response('<!doctype html><title>a page</title>', { headers: { 'content-type': 'text/html' } }),
  })
  return { server, origin: `http://127.0.0.1:${server.port}` }
}

beforeAll(async () => {
  browser = await launchChromium()
  stack = await startStack()
  gateway = await stack.gateway({ env: { PIXELFLOW_CORS_ORIGINS: named.origin } })
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await stack?.[Symbol.asyncDispose]()
  await Promise.all([named, stranger].map(({ server }) => server.stop(true)))
}, 30_000)

async function on<T>(origin: string, run: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext()
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
  const picture = Uint8Array.from(atob(file), (one) => one.charCodeAt(0))
  const made = await fetch(`${url}/api/v1/images`, {
    method: 'POST',
    body: picture,
    headers: { 'content-type': 'image/jpeg', 'x-request-id': 'from-a-page' },
  })
  const image = made.headers.get('location') ?? ''
  const part = await fetch(`${url}${image}/content`, { headers: { range: 'bytes=0-7' } })
  const task = await fetch(`${url}/api/v1/tasks`, {
    method: 'POST',
    body: JSON.stringify({ image: image.slice(image.lastIndexOf('/') + 1), recipe: 'resize:10' }),
    headers: { 'content-type': 'application/json' },
  })
  const path = task.headers.get('location') ?? ''
  const events = await fetch(`${url}${path}/events`)
  const first = await events.body?.getReader().read()
  const call = await fetch(`${url}/pixelflow.v1.ImageService/GetTask`, {
    method: 'POST',
    body: JSON.stringify({ id: path.slice(path.lastIndexOf('/') + 1) }),
    headers: {
      'content-type': 'application/json',
      'connect-protocol-version': '1',
      'connect-timeout-ms': '5000',
    },
  })
  const { task: told } = (await call.json()) as { task?: { status?: string } }
  const gone = await fetch(`${url}${path}`, { method: 'DELETE' })
  return {
    made: [made.status, made.headers.get('x-request-id')],
    part: [
      part.status,
      part.headers.get('content-range')?.startsWith('bytes 0-7/'),
      (await part.blob()).size,
    ],
    first: new TextDecoder().decode(first?.value).includes('heartbeat'),
    call: [call.status, told?.status],
    gone: gone.status,
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
    blind: await outcome(fetch(`${url}/api/v1/tasks`, { method: 'POST', body: 'x', mode: 'no-cors' })),
  }
}

describe('a page of another origin', () => {
  test('that is listed uses REST, events and Connect', async () => {
    const file = Buffer.from(await sampleImage({ width: 40, height: 30 })).toString('base64')
    const asked = { url: gateway.url, file }
    expect(await on(named.origin, (page) => page.evaluate(useEverything, asked))).toEqual({
      made: [201, 'from-a-page'],
      part: [206, true, 8],
      first: true,
      call: [200, 'TASK_STATUS_QUEUED'],
      gone: 204,
    })
  }, 60_000)

  test('that is not listed can neither read nor change anything', async () => {
    const before = await taskCount()
    expect(await on(stranger.origin, (page) => page.evaluate(tryEverything, gateway.url))).toEqual({
      read: 'TypeError',
      write: 'TypeError',
      remove: 'TypeError',
      call: 'TypeError',
      blind: 'opaque 0',
    })
    expect(await taskCount()).toBe(before)
  }, 60_000)
})

async function taskCount(): Promise<number> {
  const answer = await fetch(`${gateway.url}/api/v1/tasks`)
  return ((await answer.json()) as { items: unknown[] }).items.length
}
