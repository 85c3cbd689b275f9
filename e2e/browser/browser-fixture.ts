import { afterAll, beforeAll } from 'bun:test'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'

/** A browser and a stack that all tests of a file share. */
export interface BrowserFixture {
  readonly browser: Browser
  readonly stack: Stack
}

/**
 * Starts a browser and a stack before the tests of the calling file, and stops them afterwards.
 *
 * @param startServices starts the gateways and actors that all tests need
 */
export function useBrowserFixture(
  startServices: (fixture: BrowserFixture) => Promise<void> = async () => {},
  options: Parameters<typeof startStack>[0] = {},
): BrowserFixture {
  const scope = new AsyncDisposableStack()
  let started: BrowserFixture | undefined

  beforeAll(async () => {
    const browser = await launchChromium()
    scope.defer(() => browser.close())
    started = { browser, stack: scope.use(await startStack(options)) }
    await startServices(started)
  }, 90_000)
  afterAll(() => scope.disposeAsync(), 30_000)

  const read = (): BrowserFixture => {
    if (started === undefined)
      throw new Error('The browser fixture is not started yet. Use it inside of tests.')
    return started
  }
  return {
    get browser() {
      return read().browser
    },
    get stack() {
      return read().stack
    },
  }
}
