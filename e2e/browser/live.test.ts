import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { openTable, type Table } from './table.ts'

/** The live preview in a real browser with real services. */

let stack: Stack
let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
  stack = await startStack()
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await stack?.[Symbol.asyncDispose]()
}, 30_000)

const recipe = 'Recipe as text'
const preview = '[data-testid=preview]'
const result = '[data-testid=result]'
const runButton = (page: Page) => page.locator('.run-bar').getByRole('button')
const follows = (page: Page) => page.getByText('Follows every change').waitFor()

/** The content of an `<img>`, scaled down to 48 × 32 grey values. */
async function stampOf(page: Page, selector: string): Promise<number[]> {
  return page.evaluate<number[]>(`(${stamp})(${JSON.stringify(selector)})`)
}

// Runs in the page, where the types of this project are not available.
const stamp = `(selector) => {
  const canvas = new OffscreenCanvas(48, 32)
  const context = canvas.getContext('2d')
  context.drawImage(document.querySelector(selector), 0, 0, 48, 32)
  const { data } = context.getImageData(0, 0, 48, 32)
  return Array.from({ length: 48 * 32 }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3)
}`

/** The mean difference of two such images, of 255. */
function apart(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, i) => sum + Math.abs(value - (other[i] ?? 0)), 0) / one.length
}

/** Waits until an expression holds in the page, by polling from outside: the page's policy forbids `eval` in it. */
async function until(page: Page, holds: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await page.evaluate<boolean>(holds)); await Bun.sleep(20))
    if (Date.now() > deadline) throw new Error(`It never came true: ${holds}`)
}

/** Waits until the preview's URL differs from the given one. */
async function nextPreview(page: Page, before: string | null): Promise<string | null> {
  await until(page, `![null, undefined, '${before}'].includes(document.querySelector('${preview}')?.src)`)
  return page.locator(preview).getAttribute('src')
}

async function dropHills({ drop, page }: Table, words: string): Promise<void> {
  await page.getByLabel(recipe).fill(words)
  await drop('hills.jpg', 'image/jpeg', await sampleImage({ width: 1600, height: 1000, noise: 8 }))
  await page.locator(preview).waitFor()
}

describe('the live preview', () => {
  let gateway: GatewayProcess
  let actor: Awaited<ReturnType<Stack['actor']>>
  beforeAll(async () => {
    gateway = await stack.gateway()
    actor = await stack.actor()
  }, 30_000)

  test('follows a slider, and matches the result', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(new URL(request.url()).pathname)
    })
    await dropHills(table, 'resize:600/rotate:0')
    await follows(page)
    const address = await page.locator(preview).getAttribute('src')
    const upright = await stampOf(page, preview)

    // By mouse, from the middle to three quarters: half a turn, with many changes on the way.
    const slider = await page.getByLabel('Angle, slider').boundingBox()
    if (slider === null) throw new Error('slider not found')
    const [y, middle] = [slider.y + slider.height / 2, slider.x + slider.width / 2]
    await page.mouse.move(middle, y)
    await page.mouse.down()
    await page.mouse.move(middle + slider.width / 8, y, { steps: 12 })
    await nextPreview(page, address)
    await page.mouse.up()
    // By keys, to exactly half a turn.
    const typed = page.getByLabel('Angle', { exact: true })
    await typed.fill('179')
    const last = await page.locator(preview).getAttribute('src')
    await typed.press('ArrowUp')
    expect(await page.getByLabel(recipe).inputValue()).toBe('resize:600/rotate:180')
    await nextPreview(page, last)
    await until(page, `document.querySelector('.live').dataset.behind === 'false'`)
    const turned = await stampOf(page, preview)
    expect(apart(turned, upright)).toBeGreaterThan(20)
    expect(apart(turned, upright.toReversed())).toBeLessThan(3)

    await runButton(page).click()
    await page.locator(result).waitFor()
    expect(apart(await stampOf(page, result), turned)).toBeLessThan(3)
    expect(sent).toEqual(['/api/v1/images', '/api/v1/tasks'])

    // The page continues: the next change shows the preview again, and the result can still be fetched.
    await page.getByLabel('Angle, slider').focus()
    await page.keyboard.press('PageUp')
    await page.locator(preview).waitFor()
    await page.getByText('of the last run').waitFor()
    await page.getByRole('link', { name: 'Download' }).waitFor()
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('reports an invalid value at its field, and keeps the last valid preview', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    await dropHills(table, 'crop:600:0:1000:500')
    const good = await page.locator(preview).getAttribute('src')
    await page.getByLabel('Width', { exact: true }).fill('1001')
    await page.locator('.step-wrong', { hasText: 'outside the picture' }).waitFor()
    await page.getByText('Showing the last valid recipe').waitFor()
    expect(await page.locator(preview).getAttribute('src')).toBe(good)
    await page.getByLabel('Width', { exact: true }).fill('900')
    await nextPreview(page, good)
    expect(await page.locator('.step-wrong').count()).toBe(0)

    // An image that was only previewed is deleted from the server.
    const [answer] = await Promise.all([
      page.waitForResponse((one) => one.request().method() === 'DELETE'),
      page.getByRole('button', { name: 'Clear' }).click(),
    ])
    expect(answer.status()).toBe(204)
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('shows an image that the browser cannot decode, and stays in view on a phone', async () => {
    await using table = await openTable(browser, gateway.url, { width: 360, height: 740 })
    const { page } = table
    await page.getByLabel(recipe).fill('resize:300/blur/sharpen')
    await table.drop('scan.tiff', 'image/tiff', await sampleImage({ format: 'tiff' }))
    await page.locator(preview).waitFor()
    expect(await table.naturalWidth(preview)).toBe(300)
    await page.getByLabel('Sigma, slider').last().focus()
    await page.keyboard.press('PageUp')
    const peek = page.locator('.peek > img')
    await peek.waitFor()
    expect(await peek.getAttribute('src')).toBe(await page.locator(preview).getAttribute('src'))
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360)
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('continues when its actor is killed, and when its gateway is replaced', async () => {
    const own = await stack.gateway()
    await using table = await openTable(browser, own.url)
    const { page } = table
    await dropHills(table, 'resize:600')
    await follows(page)

    actor.signal('SIGKILL')
    let shown = await page.locator(preview).getAttribute('src')
    await page.getByLabel('Width', { exact: true }).fill('500')
    actor = await stack.actor()
    shown = await nextPreview(page, shown)
    expect(await table.naturalWidth(preview)).toBe(500)

    own.signal('SIGTERM')
    await page.getByText('The connection was lost').waitFor()
    await own.exited
    await stack.gateway({ port: Number(new URL(own.url).port), dataDir: own.dataDir })
    await follows(page)
    await page.getByLabel('Width', { exact: true }).fill('400')
    await until(page, `document.querySelector('${preview}').naturalWidth === 400`)
    expect(table.troubles.filter((one) => !one.includes('WebSocket'))).toEqual([])
  }, 60_000)
})

test('without an actor the page reports that previews are unavailable, and the rest works', async () => {
  await using idle = await startStack()
  const gateway = await idle.gateway()
  await idle.actor({ env: { PIXELFLOW_LIVE_CONCURRENCY: '0' } })
  await using table = await openTable(browser, gateway.url)
  const { page } = table
  await table.drop('hills.jpg', 'image/jpeg', await sampleImage())
  await page.getByText('Previews are not available now').waitFor()
  await runButton(page).click()
  await page.locator(result).waitFor()
  // And the live preview stays off for users who disable it.
  await page.getByRole('switch', { name: 'Live preview' }).uncheck()
  await page.reload()
  expect(await page.getByRole('switch', { name: 'Live preview' }).isChecked()).toBe(false)
  expect(table.troubles).toEqual([])
}, 60_000)
