import type { Browser, Locator, Page } from 'playwright-core'

/** Selectors of the images that the page shows. */
export const previewImage = '[data-testid=preview]'
export const resultImage = '[data-testid=result]'

/** The web page in a browser, and every problem that the browser reported. */
export interface OpenedPage extends AsyncDisposable {
  readonly page: Page
  /** The text form of the recipe. */
  readonly recipeText: Locator
  readonly runButton: Locator
  /** Console errors and warnings, uncaught errors, violations of the page's policy, requests to other hosts. */
  readonly problems: readonly string[]
  /** Drops a file on the page, as from a file manager. */
  drop(name: string, type: string, bytes: Uint8Array): Promise<void>
  /** Width in pixels of the image in an `<img>`, once it is loaded. */
  naturalWidth(selector: string): Promise<number>
}

/** Opens the page in a fresh browser profile. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, height = 900 } = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width, height }, acceptDownloads: true })
  // Shorter than a test's timeout, so that the browser reports the reason of a failed wait.
  context.setDefaultTimeout(12_000)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('request', (request) => {
    const target = new URL(request.url())
    if (target.protocol.startsWith('http') && target.origin !== new URL(url).origin)
      problems.push(`request to ${target.href}`)
  })
  await page.addInitScript(reportViolations)
  await page.goto(url)

  return {
    page,
    recipeText: page.getByLabel('Recipe as text'),
    runButton: page.locator('.run-bar').getByRole('button'),
    problems,
    async drop(name, type, bytes) {
      const file = JSON.stringify({ name, type, base64: Buffer.from(bytes).toString('base64') })
      await page.evaluate(`(${dropOnPage})(${file})`)
    },
    async naturalWidth(selector) {
      const image = `document.querySelector(${JSON.stringify(selector)})`
      await page.waitForFunction(`${image}?.complete && ${image}.naturalWidth > 0`)
      return page.evaluate<number>(`${image}.naturalWidth`)
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}

// Both run in the page, where the types of this project are not available.
const reportViolations = `document.addEventListener('securitypolicyviolation', (event) => {
  console.error('content policy: ' + event.violatedDirective + ' ' + event.blockedURI)
})`

const dropOnPage = `({ name, type, base64 }) => {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([bytes], name, { type }))
  const target = document.querySelector('[aria-label="Image"]')
  for (const event of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(event, { bubbles: true, cancelable: true, dataTransfer }))
  }
}`
