import { expect, test } from 'bun:test'
import { svg } from '@pixelflow/testkit/hostile/svg'
import { useBrowserFixture } from './browser-fixture.ts'
import { openPage, previewImage, resultImage } from './open-page.ts'

/** An SVG drawing on the page, in a real browser with real services. */

const fixture = useBrowserFixture()

test('an SVG drawing has the requested size, and no script in it runs, even when opened alone', async () => {
  const [gateway] = await Promise.all([fixture.stack.gateway(), fixture.stack.actor()])
  await using opened = await openPage(fixture.browser, gateway.url)
  const { page } = opened
  const drawing = svg(
    '<script>window.ran = true</script><image href="http://192.0.2.1/spy.png" width="9" height="9"/>' +
      '<circle cx="12" cy="12" r="11" fill="#09f" onload="window.ran = true"/>',
    24,
  )
  await opened.recipeText.fill('resize:300')
  await opened.drop('logo.svg', 'image/svg+xml', drawing)
  await page.locator(previewImage).waitFor()
  expect(await opened.naturalWidth(previewImage)).toBe(300)

  await opened.runButton.click()
  await page.locator(resultImage).first().waitFor()
  expect(await opened.naturalWidth(resultImage)).toBe(300)
  expect(opened.problems).toEqual([])
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
