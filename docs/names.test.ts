import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { blobBuckets, recordBuckets } from '@pixelflow/nats/topology/buckets'
import { streams } from '@pixelflow/nats/topology/streams'

const root = join(import.meta.dir, '..')
const pages = ['*.md', 'docs/**/*.md']
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(root)])
  // It also reports what earlier versions had.
  .filter((path) => path !== 'CHANGELOG.md' && !path.includes('node_modules'))

/** Every name that the pattern's first group finds in the documentation, with its page. */
async function findNames(pattern: RegExp): Promise<{ path: string; name: string }[]> {
  const found = await Promise.all(
    pages.map(async (path) => {
      const text = await Bun.file(join(root, path)).text()
      return [...text.matchAll(pattern)].map(([, name = '']) => ({ path, name }))
    }),
  )
  return found.flat()
}

describe('the documentation', () => {
  test('names only streams that exist', async () => {
    const known: readonly string[] = Object.values(streams)
    const named = [
      ...(await findNames(/\bstreams?\s+`([A-Z_]+)`/g)),
      ...(await findNames(/`([A-Z_]+)`\s+streams?\b/g)),
      ...(await findNames(/\bnats (?:stream|consumer) [a-z]+ ([A-Z_]+)/g)),
      ...(await findNames(/`([A-Z]+S|BACKLOG|HEALTH)`/g)),
    ]
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter(({ name }) => !known.includes(name))).toEqual([])
  })

  test('names only buckets that exist', async () => {
    const known: readonly string[] = Object.values({ ...recordBuckets, ...blobBuckets })
    const named = [
      ...(await findNames(/\bbuckets?\s+`([^`]+)`/g)),
      ...(await findNames(/`([^`\s]+)`\s+bucket\b/g)),
    ]
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter(({ name }) => !known.includes(name))).toEqual([])
  })
})
