import { beforeAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import type { Page } from 'playwright-core'
import { useBrowserFixture } from './browser-fixture.ts'
import { openPage, previewImage, resultImage, type OpenedPage } from './open-page.ts'

/** The live preview in a real browser with real services. */

const fixture = useBrowserFixture()

const waitUntilLive = (page: Page) => page.getByText('Follows every change').waitFor()

/** The content of an `<img>`, scaled down to 48 × 32 grey values. */
async function readThumbnail(page: Page, selector: string): Promise<number[]> {
  return page.evaluate<number[]>(`(${drawThumbnail})(${JSON.stringify(selector)})`)
}

// Runs in the page, where the types of this project are not available.
const drawThumbnail = `(selector) => {
  const canvas = new OffscreenCanvas(48, 32)
  const context = canvas.getContext('2d')
  context.drawImage(document.querySelector(selector), 0, 0, 48, 32)
  const { data } = context.getImageData(0, 0, 48, 32)
  return Array.from({ length: 48 * 32 }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3)
}`

/** The mean difference of two such images, of 255. */
function meanDifference(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0) / one.length
}

/** Waits until the preview's URL differs from the given one. Polls from outside: the page's policy forbids `eval` in it. */
async function nextPreview(page: Page, before: string | null): Promise<string | null> {
  return waitFor(
    'next preview shown',
    () => page.evaluate<string | null>(`document.querySelector('${previewImage}')?.src ?? null`),
    (url) => url !== null && url !== before,
    { timeoutMs: 20_000 },
  )
}

async function dropHills({ drop, page, recipeText }: OpenedPage, recipe: string): Promise<void> {
  await recipeText.fill(recipe)
  await drop('hills.jpg', 'image/jpeg', await sampleImage({ width: 1600, height: 1000, noise: 8 }))
  await page.locator(previewImage).waitFor()
}

describe('the live preview', () => {
  let gateway: GatewayProcess
  let actor: Awaited<ReturnType<Stack['actor']>>
  beforeAll(async () => {
    gateway = await fixture.stack.gateway()
    actor = await fixture.stack.actor()
  }, 30_000)

  test('follows a slider, and matches the result', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(new URL(request.url()).pathname)
    })
    await dropHills(opened, 'resize:600/rotate:0')
    await waitUntilLive(page)
    const first = await page.locator(previewImage).getAttribute('src')
    const upright = await readThumbnail(page, previewImage)

    // By mouse, from the middle to three quarters: half a turn, with many changes on the way.
    const slider = await page.getByLabel('Angle, slider').boundingBox()
    if (slider === null) throw new Error('slider not found')
    const [y, middle] = [slider.y + slider.height / 2, slider.x + slider.width / 2]
    await page.mouse.move(middle, y)
    await page.mouse.down()
    await page.mouse.move(middle + slider.width / 8, y, { steps: 12 })
    await nextPreview(page, first)
    await page.mouse.up()
    // By keys, to exactly half a turn.
    const typed = page.getByLabel('Angle', { exact: true })
    await typed.fill('179')
    const last = await page.locator(previewImage).getAttribute('src')
    await typed.press('ArrowUp')
    expect(await opened.recipeText.inputValue()).toBe('resize:600/rotate:180')
    await nextPreview(page, last)
    await waitFor(
      'latest change shown',
      () => page.evaluate<string>(`document.querySelector('.live').dataset.behind`),
      (behind) => behind === 'false',
    )
    const turned = await readThumbnail(page, previewImage)
    expect(meanDifference(turned, upright)).toBeGreaterThan(20)
    expect(meanDifference(turned, upright.toReversed())).toBeLessThan(3)

    await opened.runButton.click()
    await page.locator(resultImage).waitFor()
    expect(meanDifference(await readThumbnail(page, resultImage), turned)).toBeLessThan(3)
    expect(sent).toEqual(['/api/v1/images', '/api/v1/tasks'])

    // The page continues: the next change shows the preview again, and the result can still be fetched.
    await page.getByLabel('Angle, slider').focus()
    await page.keyboard.press('PageUp')
    await page.locator(previewImage).waitFor()
    await page.getByText('from the last run').waitFor()
    await page.getByRole('link', { name: 'Download' }).waitFor()
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('reports an invalid value at its field, and keeps the last valid preview', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    await dropHills(opened, 'crop:600:0:1000:500')
    const good = await page.locator(previewImage).getAttribute('src')
    await page.getByLabel('Width', { exact: true }).fill('1001')
    await page.locator('.step-invalid', { hasText: 'outside the image' }).waitFor()
    await page.getByText('Showing the last valid recipe').waitFor()
    expect(await page.locator(previewImage).getAttribute('src')).toBe(good)
    await page.getByLabel('Width', { exact: true }).fill('900')
    await nextPreview(page, good)
    expect(await page.locator('.step-invalid').count()).toBe(0)

    // An image that was only previewed is deleted from the server.
    const [answer] = await Promise.all([
      page.waitForResponse((one) => one.request().method() === 'DELETE'),
      page.getByRole('button', { name: 'Clear' }).click(),
    ])
    expect(answer.status()).toBe(204)
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('shows an image that the browser cannot decode, and stays in view on a phone', async () => {
    await using opened = await openPage(fixture.browser, gateway.url, { width: 360, height: 740 })
    const { page } = opened
    await opened.recipeText.fill('resize:300/blur/sharpen')
    await opened.drop('scan.tiff', 'image/tiff', await sampleImage({ format: 'tiff' }))
    await page.locator(previewImage).waitFor()
    expect(await opened.naturalWidth(previewImage)).toBe(300)
    await page.getByLabel('Sigma, slider').last().focus()
    await page.keyboard.press('PageUp')
    const floatingPreview = page.locator('.floating-preview > img')
    await floatingPreview.waitFor()
    expect(await floatingPreview.getAttribute('src')).toBe(
      await page.locator(previewImage).getAttribute('src'),
    )
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360)
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('continues when its actor is killed, and when its gateway is replaced', async () => {
    const own = await fixture.stack.gateway()
    await using opened = await openPage(fixture.browser, own.url)
    const { page } = opened
    await dropHills(opened, 'resize:600')
    await waitUntilLive(page)

    actor.signal('SIGKILL')
    let previewUrl = await page.locator(previewImage).getAttribute('src')
    await page.getByLabel('Width', { exact: true }).fill('500')
    actor = await fixture.stack.actor()
    previewUrl = await nextPreview(page, previewUrl)
    expect(await opened.naturalWidth(previewImage)).toBe(500)

    own.signal('SIGTERM')
    await page.getByText('The connection was lost').waitFor()
    await own.exited
    await fixture.stack.gateway({ port: Number(new URL(own.url).port), dataDir: own.dataDir })
    await waitUntilLive(page)
    await page.getByLabel('Width', { exact: true }).fill('400')
    await waitFor(
      'preview of 400 pixels shown',
      () => page.evaluate<number>(`document.querySelector('${previewImage}').naturalWidth`),
      (width) => width === 400,
      { timeoutMs: 20_000 },
    )
    expect(opened.problems.filter((one) => !one.includes('WebSocket'))).toEqual([])
  }, 60_000)
})

test('without an actor the page reports that previews are unavailable, and the rest works', async () => {
  await using idle = await startStack()
  const gateway = await idle.gateway()
  await idle.actor({ env: { PIXELFLOW_LIVE_CONCURRENCY: '0' } })
  await using opened = await openPage(fixture.browser, gateway.url)
  const { page } = opened
  await opened.drop('hills.jpg', 'image/jpeg', await sampleImage())
  await page.getByText('Previews are not available now').waitFor()
  await opened.runButton.click()
  await page.locator(resultImage).waitFor()
  // And the live preview stays off for users who disable it.
  await page.getByRole('switch', { name: 'Live preview' }).uncheck()
  await page.reload()
  expect(await page.getByRole('switch', { name: 'Live preview' }).isChecked()).toBe(false)
  expect(opened.problems).toEqual([])
}, 60_000)
