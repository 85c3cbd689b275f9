import { afterAll, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import type * as client from '@pixelflow/client'
import { useBrowserFixture } from './browser-fixture.ts'

/** The TypeScript client on a page of another origin, in a real browser: everything but gRPC. */

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

const fixture = useBrowserFixture(
  async ({ stack }) => {
    const entry = Bun.resolveSync('@pixelflow/client', import.meta.dir)
    const built = await Bun.build({ entrypoints: [entry], target: 'browser', minify: true })
    script = (await built.outputs[0]?.text()) ?? ''
    const [gateway] = await Promise.all([
      stack.gateway({ env: { PIXELFLOW_CORS_ORIGINS: origin } }),
      stack.actor(),
    ])
    gatewayUrl = gateway.url
  },
  { env: { PIXELFLOW_API_TOKENS: 'ann:token-of-ann' } },
)
afterAll(() => page.stop(true))

/** Globals of the page that this process does not have. */
declare const createImageBitmap: (image: Blob) => Promise<{ width: number; height: number }>

/** Runs in the page. */
async function useEverything({ url, file, where }: { url: string; file: string; where: string }) {
  const { openHttp, PixelflowError } = (await import(where)) as typeof client
  const pixelflow = openHttp({ url, token: 'token-of-ann' })
  const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0))
  const photo = new File([bytes], 'photo.jpg', { type: 'image/jpeg' })
  const sent: (number | null)[][] = []
  const kinds: string[] = []
  const { image, task, outputs } = await pixelflow.process(photo, 'resize:300/format:webp', {
    onSent: (...progress) => sent.push(progress),
    onEvent: ({ kind }) => kinds.push(kind),
  })
  const whole = await outputs[0]?.download()
  const blob = await new Response(whole?.body).blob()
  const bitmap = await createImageBitmap(blob)
  const part = await pixelflow.download({ image: image.id }, { offset: 2, length: 10 })
  const listed: string[] = []
  for await (const { id } of pixelflow.tasks({ limit: 1 })) listed.push(id)

  const thumb = await pixelflow.processImage(photo.stream(), 'resize:40', { mediaType: 'image/jpeg' })
  const small = await createImageBitmap(await new Response(thumb.body).blob())
  const tuning = await pixelflow.tune({ image: image.id, recipe: 'blur:1' })
  const preview = await tuning.preview(tuning.change({ set: { 'steps[0].sigma': 9 } }))
  await tuning[Symbol.asyncDispose]()

  const refused = await openHttp({ url, token: 'wrong' })
    .task(task.id)
    .catch((error: unknown) => error)
  const invalidRecipe = await pixelflow.createTask(image.id, 'blurr').catch((error: unknown) => error)
  const problem =
    invalidRecipe instanceof PixelflowError
      ? [invalidRecipe.code, invalidRecipe.field, typeof invalidRecipe.requestId]
      : invalidRecipe
  return {
    sent: [sent.at(-1)?.[0] === bytes.length, sent.at(-1)?.[1] === bytes.length],
    kinds,
    result: [whole?.sha256 === outputs[0]?.sha256, blob.size === whole?.bytes, bitmap.width, bitmap.height],
    part: [part.offset, part.length, (await new Response(part.body).arrayBuffer()).byteLength],
    listed: listed.includes(task.id),
    small: [small.width, small.height],
    preview: [preview.sequence, preview.file.length === preview.bytes],
    refused: refused instanceof PixelflowError ? refused.code : String(refused),
    problem,
  }
}

test('the client works in a page of another origin', async () => {
  const context = await fixture.browser.newContext()
  try {
    const opened = await context.newPage()
    await opened.goto(origin)
    const file = Buffer.from(await sampleImage({ width: 900, height: 600 })).toString('base64')
    const input = { url: gatewayUrl, file, where: `${origin}/client.js` }
    expect(await opened.evaluate(useEverything, input)).toEqual({
      sent: [true, true],
      kinds: completedEventKinds,
      result: [true, true, 300, 200],
      part: [2, 10, 10],
      listed: true,
      small: [40, 27],
      preview: [1, true],
      refused: 'unauthenticated',
      problem: ['invalid_recipe', expect.stringContaining('steps[0]'), 'string'],
    })
  } finally {
    await context.close()
  }
}, 60_000)
