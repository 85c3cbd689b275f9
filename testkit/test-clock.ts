import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The wall clock of processes under test, off from this machine's and set while they run. */
export interface TestClock extends AsyncDisposable {
  /** What their command lines have between Bun and the program. */
  readonly arguments: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds ahead of this machine's clock; negative is behind. They notice within 20 ms. */
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
