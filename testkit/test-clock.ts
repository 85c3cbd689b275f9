import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** A wall clock for processes under test that can be set while they run. */
export interface TestClock extends AsyncDisposable {
  /** Arguments of Bun, before the program. */
  readonly arguments: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Sets the offset to this machine's clock in milliseconds. Takes effect within 20 ms. */
  set(offsetMs: number): Promise<void>
}

export async function createTestClock(offsetMs = 0): Promise<TestClock> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-clock-'))
  const file = join(folder, 'offset')
  const set = (ms: number) => writeFile(file, String(ms))
  await set(offsetMs)
  return {
    arguments: ['--preload', resolve(import.meta.dir, 'skewed-clock.ts')],
    env: { PIXELFLOW_TEST_CLOCK_FILE: file },
    set,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
