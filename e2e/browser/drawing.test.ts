import { afterAll, beforeAll, expect, test } from 'bun:test'
import { svg } from '@pixelflow/testkit/hostile/svg'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { openTable } from './table.ts'

/** An SVG drawing on the page, in a real browser with real services. */

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

test('an SVG drawing has the requested size, and no script in it runs, even when opened alone', async () => {
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  await using table = await openTable(browser, gateway.url)
  const { page } = table
  const drawing = svg(
    '<script>window.ran = true</script><image href="http://192.0.2.1/spy.png" width="9" height="9"/>' +
      '<circle cx="12" cy="12" r="11" fill="#09f" onload="window.ran = true"/>',
    24,
  )
  await page.getByLabel('Recipe as text').fill('resize:300')
  await table.drop('logo.svg', 'image/svg+xml', drawing)
  await page.locator('[data-testid=preview]').waitFor()
  expect(await table.naturalWidth('[data-testid=preview]')).toBe(300)

  await page.locator('.run-bar').getByRole('button').click()
  await page.locator('[data-testid=result]').first().waitFor()
  expect(await table.naturalWidth('[data-testid=result]')).toBe(300)
  expect(table.troubles).toEqual([])
  expect(await page.evaluate<boolean>('window.ran === true')).toBe(false)

  // Like "open image in a new tab": a URL of the page's own origin, so the page's own policy applies.
  const opening = page.context().waitForEvent('page')
  await page.evaluate<string>(
    `window.open(URL.createObjectURL(new Blob([${JSON.stringify(Buffer.from(drawing).toString())}], { type: 'image/svg+xml' })), '_blank') && ''`,
  )
  const tab = await opening
  await tab.waitForLoadState()
  expect(await tab.evaluate<string>('document.documentElement.localName + String(window.ran)')).toBe(
    'svgundefined',
  )
}, 60_000)
