import { describe, expect, test } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import type { GatewayProcess } from '@pixelflow/testkit/stack'
import sharp from 'sharp'
import { useBrowserFixture } from './browser-fixture.ts'
import { openPage, previewImage, resultImage } from './open-page.ts'

/** The page in a real browser, with real services: from a dropped file to its result. */

const token = 'a-token-for-the-browser-test'
let gateway: GatewayProcess
let tokenGateway: GatewayProcess
const fixture = useBrowserFixture(async ({ stack }) => {
  gateway = await stack.gateway()
  tokenGateway = await stack.gateway({ env: { PIXELFLOW_API_TOKENS: `alice:${token}` } })
  await stack.actor()
})

describe('the page', () => {
  test('processes a dropped file, shows all stages, and keeps the result over a reload', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    await opened.drop('hills.jpg', 'image/jpeg', await sampleImage({ width: 1600, height: 1000 }))
    await page.getByAltText('Before').waitFor()
    expect(await opened.naturalWidth('[alt=Before]')).toBe(1600)

    await opened.recipeText.fill('resize:400/grayscale/format:webp')
    await opened.runButton.click()
    await page.getByText('Done, done').waitFor()
    await page.locator(resultImage).waitFor()
    expect(await opened.naturalWidth(resultImage)).toBe(400)
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
    await page.locator(resultImage).waitFor()
    expect(await opened.naturalWidth(resultImage)).toBe(400)
    expect(await opened.recipeText.inputValue()).toBe('resize:400/grayscale/format:webp')
    await page.locator('.source-name', { hasText: 'hills.jpg' }).waitFor()
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('shows the problem of a file that fails, and accepts the next file', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    const whole = await sampleImage({ width: 800, height: 600 })
    await opened.drop('torn.jpg', 'image/jpeg', whole.subarray(0, whole.length / 3))
    await opened.runButton.click()
    const problem = page.getByRole('alert').filter({ hasText: 'Corrupt image' })
    await problem.waitFor()
    expect(await problem.textContent()).toContain('corrupt_image')

    await opened.drop('whole.jpg', 'image/jpeg', whole)
    await opened.runButton.click()
    await page.locator(resultImage).waitFor()
    expect(await problem.count()).toBe(0)
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('marks the step that a task reported as invalid', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    await opened.drop('small.png', 'image/png', await sampleImage({ width: 100, height: 80, format: 'png' }))
    await opened.recipeText.fill('flip/crop:50:0:90:40')
    await opened.runButton.click()
    await page.getByText('outside the image').first().waitFor()
    await page.locator('.step-invalid', { hasText: 'Crop' }).waitFor()
    expect(await page.locator('.step-invalid').count()).toBe(1)
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('cancels a task that takes too long', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    await opened.drop('large.jpg', 'image/jpeg', await sampleImage({ width: 3000, height: 2000 }))
    await opened.recipeText.fill('format:avif:effort=9')
    await opened.runButton.click()
    await page.getByText('Decoded, done').waitFor()
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByText('Cancelled', { exact: true }).waitFor()
    expect(await page.getByRole('button', { name: 'Run again' }).isEnabled()).toBe(true)
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('refuses a file that is not an image before sending any of it', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(request.url())
    })
    await opened.drop('notes.txt', 'text/plain', new TextEncoder().encode('not an image'))
    await page.getByText('Unsupported format').waitFor()
    await page.keyboard.press('Control+Enter')
    expect(await opened.runButton.getAttribute('aria-disabled')).toBe('true')
    expect(sent).toEqual([])
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('updates the text while steps are added, moved by keys and removed, and marks invalid values', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    const text = opened.recipeText
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
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('asks for the token that the server requires, and shows images with it', async () => {
    await using opened = await openPage(fixture.browser, tokenGateway.url)
    const { page } = opened
    await page.getByLabel('Token', { exact: true }).fill(token)
    await page.getByRole('button', { name: 'Use token' }).click()
    await opened.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await page.locator(previewImage).waitFor()
    await opened.recipeText.fill('resize:320')
    await opened.runButton.click()
    await page.locator(resultImage).waitFor()
    expect(await opened.naturalWidth(resultImage)).toBe(320)
    expect(await page.locator('.code').textContent()).not.toContain(token)
    expect(opened.problems).toEqual([])
  }, 30_000)

  test('fits the screen of a phone', async () => {
    await using opened = await openPage(fixture.browser, gateway.url, { width: 360, height: 740 })
    const { page } = opened
    await opened.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await opened.runButton.click()
    await page.locator(resultImage).waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360)
    expect(opened.problems).toEqual([])
  }, 30_000)
})
