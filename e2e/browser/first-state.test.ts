import { expect, test } from 'bun:test'
import type { GatewayProcess } from '@pixelflow/testkit/stack'
import { useBrowserFixture } from './browser-fixture.ts'
import { openPage } from './open-page.ts'

/** What a browser shows before the scripts of the page are there. */

let gateway: GatewayProcess
const fixture = useBrowserFixture(async ({ stack }) => {
  gateway = await stack.gateway()
})

test('the page is drawn without a script', async () => {
  const context = await fixture.browser.newContext({ javaScriptEnabled: false })
  try {
    const page = await context.newPage()
    await page.goto(gateway.url)
    for (const text of ['Drop an image here', 'Recent tasks'])
      expect([text, await page.getByText(text).isVisible()]).toEqual([text, true])
    expect(await page.locator('textarea').inputValue()).toBe('resize:1200/format:webp')
  } finally {
    await context.close()
  }
}, 30_000)

test('the first script adopts what the HTML has drawn', async () => {
  const context = await fixture.browser.newContext({ colorScheme: 'dark' })
  try {
    const page = await context.newPage()
    const { promise: scripts, resolve: sendScripts } = Promise.withResolvers<void>()
    await page.route('**/assets/main-*.js', async (route) => {
      await scripts
      await route.continue()
    })
    await page.goto(gateway.url, { waitUntil: 'commit' })
    await page.getByText('Drop an image here').waitFor()
    await page.evaluate(`window.drawn = document.querySelectorAll('#app *').length
      for (const one of document.querySelectorAll('#app *')) one.wasDrawn = true`)
    expect(await page.locator('#app[inert]').count()).toBe(1)
    sendScripts()
    // The label for the theme that this browser prefers.
    await page.getByRole('button', { name: 'Use the light theme' }).waitFor()
    expect(await page.locator('#app[inert]').count()).toBe(0)
    const adopted = await page.evaluate<number>(
      `[...document.querySelectorAll('#app *')].filter((one) => one.wasDrawn).length`,
    )
    expect(adopted).toBe(await page.evaluate<number>('window.drawn'))
  } finally {
    await context.close()
  }
}, 30_000)

test('a text that is typed before the parser is there is read when it is', async () => {
  await using opened = await openPage(fixture.browser, gateway.url)
  const { page } = opened
  const { promise: parser, resolve: sendParser } = Promise.withResolvers<void>()
  await page.route('**/assets/recipe-parser-*.js', async (route) => {
    await parser
    await route.continue()
  })
  await page.reload({ waitUntil: 'commit' })
  await page.getByRole('button', { name: 'Remove Resize' }).waitFor()
  await opened.recipeText.fill('blur:2/flip')
  sendParser()
  await page.getByRole('button', { name: 'Remove Flip' }).waitFor()
  expect(await opened.recipeText.inputValue()).toBe('blur:2/flip')
  expect(opened.problems).toEqual([])
}, 30_000)

test('a parser that is not sent is reported', async () => {
  await using opened = await openPage(fixture.browser, gateway.url)
  const { page } = opened
  await page.route('**/assets/recipe-parser-*.js', (route) => route.abort())
  await page.reload({ waitUntil: 'commit' })
  await page.getByRole('alert').filter({ hasText: 'Reload the page and try again.' }).waitFor()
}, 30_000)
