import { describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import type { GatewayProcess } from '@pixelflow/testkit/stack'
import sharp from 'sharp'
import { useBrowserFixture } from './browser-fixture.ts'
import { openPage, resultImage } from './open-page.ts'

/** The current image and its result stay, and are shown without artefacts. */

let gateway: GatewayProcess
const fixture = useBrowserFixture(async ({ stack }) => {
  gateway = await stack.gateway()
  await stack.actor()
})

describe('a result', () => {
  test('stays when a file is dropped that is not an image or is too large', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    await opened.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await opened.runButton.click()
    await page.locator(resultImage).waitFor()
    const before = await page.locator(resultImage).getAttribute('src')
    for (const [name, bytes] of [
      ['notes.txt', new TextEncoder().encode('not an image')],
      ['empty.jpg', new Uint8Array(0)],
    ] as const) {
      await opened.drop(name, 'image/jpeg', bytes)
      await page.getByRole('alert').filter({ hasText: name }).waitFor()
      expect(await page.locator(resultImage).getAttribute('src')).toBe(before)
    }
    await page.locator('.source-name', { hasText: 'hills.jpg' }).waitFor()
    expect(new URL(page.url()).hash).toStartWith('#task=')
    expect(opened.problems).toEqual([])
  }, 40_000)

  test('is not visible through the transparent parts of the source', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    // A fully transparent source: left of the divider nothing is visible, right of it the white of the result.
    const create = {
      width: 400,
      height: 300,
      channels: 4,
      background: { r: 0, g: 0, b: 0, alpha: 0 },
    } as const
    await opened.recipeText.fill('format:jpeg')
    await opened.drop('clear.png', 'image/png', await sharp({ create }).png().toBuffer())
    await opened.runButton.click()
    await page.locator(resultImage).waitFor()
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
  await using opened = await openPage(fixture.browser, gateway.url)
  const { page } = opened
  await opened.recipeText.fill('resize:1500/blur:20/format:avif')
  await opened.drop('hills.jpg', 'image/jpeg', await sampleImage({ width: 2000, height: 1500 }))
  await opened.runButton.click()
  const row = page.locator('.recent-row', { hasText: 'format:avif' })
  await row.getByText(/queued|running/).waitFor()
  await opened.drop('other.jpg', 'image/jpeg', await sampleImage())
  await row.getByText('completed').waitFor()
  expect(opened.problems).toEqual([])
}, 40_000)
