import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { openFolders } from '@pixelflow/testkit/folders'
import { saveResults } from './save-results.ts'

test('a part replaces its own result and keeps those of others', async () => {
  await using folders = await openFolders('pixelflow-results-')
  const path = join(folders.home, 'results.json')
  const part = { isQuick: true, otherLoad: 0.5 }
  await saveResults(path, { name: 'works', report: { a: 1 / 3 }, ...part })
  await saveResults(path, { name: 'reads', report: { b: 1 }, ...part })
  await saveResults(path, { name: 'reads', report: { b: 123_456.7 }, ...part, isQuick: false })
  const { machine, parts } = (await Bun.file(path).json()) as {
    machine: string
    parts: Record<string, unknown>
  }
  expect(machine).toContain('cores of')
  expect(parts).toMatchObject({
    works: { report: { a: 0.3333 }, isQuick: true, otherLoad: 0.5 },
    reads: { report: { b: 123_500 }, isQuick: false },
  })
})
