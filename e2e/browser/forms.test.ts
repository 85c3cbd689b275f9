import { expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import type { GatewayProcess } from '@pixelflow/testkit/stack'
import { useBrowserFixture } from './browser-fixture.ts'

/** Forms as a real browser encodes them, with many kinds of file names. */

let gateway: GatewayProcess
const fixture = useBrowserFixture(async ({ stack }) => {
  gateway = await stack.gateway()
})

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
  const outcomes: unknown[] = []
  for (const name of names) {
    const form = new FormData()
    form.append('file', new File([bytes], name, { type: 'image/jpeg' }))
    const response = await fetch('/api/v1/images', { method: 'POST', body: form })
    outcomes.push([name, response.status, ((await response.json()) as { width?: number }).width])
  }
  return outcomes
}

test('files of any name are accepted from FormData', async () => {
  const image = await sampleImage({ width: 40, height: 30 })
  const page = await fixture.browser.newPage()
  await page.goto(gateway.url)
  const file = Buffer.from(image).toString('base64')
  expect(await page.evaluate(uploadAll, { names, file })).toEqual(names.map((name) => [name, 201, 40]))
}, 30_000)
