import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { launchChromium } from './chromium.ts'
import { openTable } from './table.ts'

/** The current image and its result stay, and are shown without artefacts. */

let stack: Stack
let gateway: GatewayProcess
let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
  stack = await startStack()
  gateway = await stack.gateway()
  await stack.actor()
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await stack?.[Symbol.asyncDispose]()
}, 30_000)

const result = '[data-testid=result]'
const run = (page: Page) => page.locator('.run-bar').getByRole('button').click()

describe('a result', () => {
  test('stays when a file is dropped that is not an image or is too large', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    await table.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await run(page)
    await page.locator(result).waitFor()
    const before = await page.locator(result).getAttribute('src')
    for (const [name, bytes] of [
      ['notes.txt', new TextEncoder().encode('not a picture')],
      ['empty.jpg', new Uint8Array(0)],
    ] as const) {
      await table.drop(name, 'image/jpeg', bytes)
      await page.getByRole('alert').filter({ hasText: name }).waitFor()
      expect(await page.locator(result).getAttribute('src')).toBe(before)
    }
    await page.locator('.source-name', { hasText: 'hills.jpg' }).waitFor()
    expect(new URL(page.url()).hash).toStartWith('#task=')
    expect(table.troubles).toEqual([])
  }, 40_000)

  test('is not visible through the transparent parts of the source', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    // A fully transparent source: left of the divider nothing is visible, right of it the white of the result.
    const create = {
      width: 400,
      height: 300,
      channels: 4,
      background: { r: 0, g: 0, b: 0, alpha: 0 },
    } as const
    await page.getByLabel('Recipe as text').fill('format:jpeg')
    await table.drop('clear.png', 'image/png', await sharp({ create }).png().toBuffer())
    await run(page)
    await page.locator(result).waitFor()
    const shot = await page.locator('.compare').screenshot()
    const { data, info } = await sharp(shot).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    const pixel = (x: number) => {
      const at = 3 * (Math.round(info.height * 0.8) * info.width + Math.round(info.width * x))
      return [...data.subarray(at, at + 3)]
    }
    expect(pixel(0.75)).toEqual([255, 255, 255])
    expect(pixel(0.25)).not.toEqual([255, 255, 255])
  }, 40_000)
})

test('recent tasks are updated after another image is dropped', async () => {
  await using table = await openTable(browser, gateway.url)
  const { page } = table
  await page.getByLabel('Recipe as text').fill('resize:1500/blur:20/format:avif')
  await table.drop('hills.jpg', 'image/jpeg', await sampleImage({ width: 2000, height: 1500 }))
  await run(page)
  const row = page.locator('.recent-row', { hasText: 'format:avif' })
  await row.getByText(/queued|running/).waitFor()
  await table.drop('other.jpg', 'image/jpeg', await sampleImage())
  await row.getByText('completed').waitFor()
  expect(table.troubles).toEqual([])
}, 40_000)
