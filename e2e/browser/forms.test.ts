import { afterAll, beforeAll, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'

/** Forms as a real browser encodes them, with many kinds of file names. */

let stack: Stack
let gateway: GatewayProcess
let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
  stack = await startStack()
  gateway = await stack.gateway()
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await stack?.[Symbol.asyncDispose]()
}, 30_000)

const names = [
  'фото.jpg',
  '日本.jpg',
  'it’s.jpg',
  'Screenshot 2026-11-21 at 9.41.00\u202fAM.png',
  'a "quoted"; name=recipe.jpg',
  'new\r\nline.jpg',
  'a\\',
  '🙂.jpg',
  '',
]

/** Runs in the page. */
async function uploadAll({ names, file }: { names: string[]; file: string }) {
  const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0))
  const found: unknown[] = []
  for (const name of names) {
    const form = new FormData()
    form.append('file', new File([bytes], name, { type: 'image/jpeg' }))
    const answer = await fetch('/api/v1/images', { method: 'POST', body: form })
    found.push([name, answer.status, ((await answer.json()) as { width?: number }).width])
  }
  return found
}

test('files of any name are accepted from FormData', async () => {
  const photo = await sampleImage({ width: 40, height: 30 })
  const page = await browser.newPage()
  await page.goto(gateway.url)
  const file = Buffer.from(photo).toString('base64')
  expect(await page.evaluate(uploadAll, { names, file })).toEqual(names.map((name) => [name, 201, 40]))
}, 30_000)
