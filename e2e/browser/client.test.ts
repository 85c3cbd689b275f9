import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import type * as client from '@pixelflow/client'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'

/** The TypeScript client on a page of another origin, in a real browser: everything but gRPC. */

let stack: Stack
let browser: Browser
let gatewayUrl: string
let script: string
const page = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: ({ url }) =>
    url.endsWith('/client.js')
      ? new Response(script, { headers: { 'content-type': 'text/javascript' } })
      : new Response('<!doctype html><title>a page</title>', { headers: { 'content-type': 'text/html' } }),
})
const origin = `http://127.0.0.1:${page.port}`

beforeAll(async () => {
  const entry = Bun.resolveSync('@pixelflow/client', import.meta.dir)
  const built = await Bun.build({ entrypoints: [entry], target: 'browser', minify: true })
  script = (await built.outputs[0]?.text()) ?? ''
  browser = await launchChromium()
  stack = await startStack({ env: { PIXELFLOW_API_TOKENS: 'ann:token-of-ann' } })
  const [gateway] = await Promise.all([
    stack.gateway({ env: { PIXELFLOW_CORS_ORIGINS: origin } }),
    stack.actor(),
  ])
  gatewayUrl = gateway.url
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await stack?.[Symbol.asyncDispose]()
  await page.stop(true)
}, 30_000)

/** Globals of the page that this process does not have. */
declare const createImageBitmap: (picture: Blob) => Promise<{ width: number; height: number }>

/** Runs in the page. */
async function useEverything({ url, file, where }: { url: string; file: string; where: string }) {
  const { openHttp, PixelflowError } = (await import(where)) as typeof client
  const pixelflow = openHttp({ url, token: 'token-of-ann' })
  const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0))
  const picture = new File([bytes], 'photo.jpg', { type: 'image/jpeg' })
  const sent: (number | null)[][] = []
  const kinds: string[] = []
  const { image, task, outputs } = await pixelflow.process(picture, 'resize:300/format:webp', {
    onSent: (...told) => sent.push(told),
    onEvent: ({ kind }) => kinds.push(kind),
  })
  const whole = await outputs[0]?.download()
  const blob = await new Response(whole?.body).blob()
  const bitmap = await createImageBitmap(blob)
  const part = await pixelflow.download({ image: image.id }, { offset: 2, length: 10 })
  const listed: string[] = []
  for await (const { id } of pixelflow.tasks({ limit: 1 })) listed.push(id)

  const thumb = await pixelflow.processImage(picture.stream(), 'resize:40', { mediaType: 'image/jpeg' })
  const small = await createImageBitmap(await new Response(thumb.body).blob())
  const tuning = await pixelflow.tune({ image: image.id, recipe: 'blur:1' })
  const preview = await tuning.preview(tuning.change({ set: { 'steps[0].sigma': 9 } }))
  await tuning[Symbol.asyncDispose]()

  const refused = await openHttp({ url, token: 'wrong' })
    .task(task.id)
    .catch((error: unknown) => error)
  const wrong = await pixelflow.createTask(image.id, 'blurr').catch((error: unknown) => error)
  const said = wrong instanceof PixelflowError ? [wrong.code, wrong.field, typeof wrong.requestId] : wrong
  return {
    sent: [sent.at(-1)?.[0] === bytes.length, sent.at(-1)?.[1] === bytes.length],
    kinds,
    picture: [whole?.sha256 === outputs[0]?.sha256, blob.size === whole?.bytes, bitmap.width, bitmap.height],
    part: [part.offset, part.length, (await new Response(part.body).arrayBuffer()).byteLength],
    listed: listed.includes(task.id),
    small: [small.width, small.height],
    preview: [preview.sequence, preview.file.length === preview.bytes],
    refused: refused instanceof PixelflowError ? refused.code : String(refused),
    said,
  }
}

test('the client works in a page of another origin', async () => {
  const context = await browser.newContext()
  try {
    const opened = await context.newPage()
    await opened.goto(origin)
    const file = Buffer.from(await sampleImage({ width: 900, height: 600 })).toString('base64')
    const asked = { url: gatewayUrl, file, where: `${origin}/client.js` }
    expect(await opened.evaluate(useEverything, asked)).toEqual({
      sent: [true, true],
      kinds: ['queued', 'started', 'fetched', 'decoded', 'output', 'completed'],
      picture: [true, true, 300, 200],
      part: [2, 10, 10],
      listed: true,
      small: [40, 27],
      preview: [1, true],
      refused: 'unauthenticated',
      said: ['invalid_recipe', expect.stringContaining('steps[0]'), 'string'],
    })
  } finally {
    await context.close()
  }
}, 60_000)
