import { afterAll, beforeAll } from 'bun:test'

/**
 * Opens a fixture before the tests of a file or of a `describe`, and disposes of it after them. `take` receives the
 * opened fixture before the first test.
 */
export function useFixture<T extends AsyncDisposable>(
  open: () => Promise<T>,
  take: (opened: T) => unknown,
): void {
  let fixture: T | undefined
  beforeAll(async () => {
    fixture = await open()
    await take(fixture)
  }, 90_000)
  afterAll(() => fixture?.[Symbol.asyncDispose](), 30_000)
}
