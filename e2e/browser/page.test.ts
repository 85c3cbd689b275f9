import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { launchChromium } from './chromium.ts'
import { openTable } from './table.ts'

/** The page in a real browser, with real services: from a dropped file to its result. */

const token = 'a-token-for-the-browser-test'
let stack: Stack
let gateway: GatewayProcess
let guarded: GatewayProcess
let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
  stack = await startStack()
  gateway = await stack.gateway()
  guarded = await stack.gateway({ env: { PIXELFLOW_API_TOKENS: `alice:${token}` } })
  await stack.actor()
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await stack?.[Symbol.asyncDispose]()
}, 30_000)

const recipe = 'Recipe as text'
const result = '[data-testid=result]'
const runButton = (page: Page) => page.locator('.run-bar').getByRole('button')

describe('the page', () => {
  test('processes a dropped file, shows all stages, and keeps the result over a reload', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    await table.drop('hills.jpg', 'image/jpeg', await sampleImage({ width: 1600, height: 1000 }))
    await page.getByAltText('Before').waitFor()
    expect(await table.naturalWidth('[alt=Before]')).toBe(1600)

    await page.getByLabel(recipe).fill('resize:400/grayscale/format:webp')
    await runButton(page).click()
    await page.getByText('Done, done').waitFor()
    await page.locator(result).waitFor()
    expect(await table.naturalWidth(result)).toBe(400)
    await page.getByText('400 × 250').first().waitFor()

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('hills.webp')
    expect(await sharp(await download.path()).metadata()).toMatchObject({
      format: 'webp',
      width: 400,
      height: 250,
    })

    await page.reload()
    await page.locator(result).waitFor()
    expect(await table.naturalWidth(result)).toBe(400)
    expect(await page.getByLabel(recipe).inputValue()).toBe('resize:400/grayscale/format:webp')
    await page.locator('.source-name', { hasText: 'hills.jpg' }).waitFor()
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('shows the problem of a file that fails, and accepts the next file', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    const whole = await sampleImage({ width: 800, height: 600 })
    await table.drop('torn.jpg', 'image/jpeg', whole.subarray(0, whole.length / 3))
    await runButton(page).click()
    const problem = page.getByRole('alert').filter({ hasText: 'Corrupt image' })
    await problem.waitFor()
    expect(await problem.textContent()).toContain('corrupt_image')

    await table.drop('whole.jpg', 'image/jpeg', whole)
    await runButton(page).click()
    await page.locator(result).waitFor()
    expect(await problem.count()).toBe(0)
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('marks the step that a task reported as invalid', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    await table.drop('small.png', 'image/png', await sampleImage({ width: 100, height: 80, format: 'png' }))
    await page.getByLabel(recipe).fill('flip/crop:50:0:90:40')
    await runButton(page).click()
    await page.getByText('outside the picture').first().waitFor()
    await page.locator('.step-wrong', { hasText: 'Crop' }).waitFor()
    expect(await page.locator('.step-wrong').count()).toBe(1)
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('cancels a task that takes too long', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    await table.drop('large.jpg', 'image/jpeg', await sampleImage({ width: 3000, height: 2000 }))
    await page.getByLabel(recipe).fill('format:avif:effort=9')
    await runButton(page).click()
    await page.getByText('Decoded, done').waitFor()
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByText('Cancelled', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Run again' }).isEnabled()).toBe(true)
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('refuses a file that is not an image before sending any of it', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(request.url())
    })
    await table.drop('notes.txt', 'text/plain', new TextEncoder().encode('not a picture'))
    await page.getByText('This kind of file is not supported').waitFor()
    await page.keyboard.press('Control+Enter')
    expect(await runButton(page).getAttribute('aria-disabled')).toBe('true')
    expect(sent).toEqual([])
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('updates the text while steps are added, moved by keys and removed, and marks invalid values', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    const text = page.getByLabel(recipe)
    await text.fill('resize:800')
    await page.getByRole('button', { name: 'Add a step' }).click()
    await page.getByRole('button', { name: /^Blur/ }).click()
    expect(await text.inputValue()).toBe('resize:800/blur')
    // The focus is in the new step's form.
    await page.keyboard.press('Alt+ArrowUp')
    expect(await text.inputValue()).toBe('blur/resize:800')
    await page.getByLabel('Sigma', { exact: true }).fill('900')
    await page.getByText('Use 250 or less.').waitFor()
    await page.getByLabel('Sigma', { exact: true }).fill('2,5')
    expect(await text.inputValue()).toBe('blur:2.5/resize:800')
    await page.getByRole('button', { name: 'Remove Resize' }).click()
    expect(await text.inputValue()).toBe('blur:2.5')
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('asks for the token that the server requires, and shows images with it', async () => {
    await using table = await openTable(browser, guarded.url)
    const { page } = table
    await page.getByLabel('Token', { exact: true }).fill(token)
    await page.getByRole('button', { name: 'Use token' }).click()
    await table.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await page.locator('[data-testid=preview]').waitFor()
    await page.getByLabel(recipe).fill('resize:320')
    await runButton(page).click()
    await page.locator(result).waitFor()
    expect(await table.naturalWidth(result)).toBe(320)
    expect(await page.locator('.code').textContent()).not.toContain(token)
    expect(table.troubles).toEqual([])
  }, 30_000)

  test('fits the screen of a phone', async () => {
    await using table = await openTable(browser, gateway.url, { width: 360, height: 740 })
    const { page } = table
    await table.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await runButton(page).click()
    await page.locator(result).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360)
    expect(table.troubles).toEqual([])
  }, 30_000)
})
