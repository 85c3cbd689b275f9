import { describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { compareGolden } from '../../testing/compare-golden.ts'
import { goldenExamples, goldenFolder, goldenPath, renderGolden } from '../../testing/render-golden.ts'
import { openTransformHarness, type TransformHarness } from '../../testing/transform-harness.ts'

/** The results of every operation's documented examples, compared with committed pictures. */

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

const command = 'bun actors/testing/write-goldens.ts'

async function readGolden(name: string): Promise<Uint8Array> {
  const file = Bun.file(goldenPath(name))
  if (await file.exists()) return file.bytes()
  throw new Error(`${name} has no golden. Write it with \`${command}\` and look at it.`)
}

describe.each([...goldenExamples.keys()])('the examples of %s', (name) => {
  test('give the results of its golden', async () => {
    const differences = await compareGolden(await renderGolden(name, harness), await readGolden(name))
    const remedy = `If the change is intended, run \`${command}\` and look at the picture.`
    expect({ remedy, differences }).toEqual({ remedy, differences: [] })
  })

  test('give other results without the operation', async () => {
    const rest = await renderGolden(name, harness, { without: true })
    expect(await compareGolden(rest, await readGolden(name))).not.toEqual([])
  })
})

test('a difference of one level is accepted, and a shift by one pixel is not', async () => {
  const golden = await renderGolden('flip', harness)
  const change = (pixels: (tile: Uint8Array) => Uint8Array) => ({
    ...golden,
    tiles: golden.tiles.map((tile) => ({ ...tile, pixels: pixels(tile.pixels) })),
  })
  const file = await readGolden('flip')
  const rounded = change((tile) => tile.map((level, i) => (i % 4 === 0 ? level ^ 1 : level)))
  expect(await compareGolden(rounded, file)).toEqual([])
  const shifted = change((tile) => tile.map((_, i) => tile[(i + 4) % tile.length] ?? 0))
  expect(await compareGolden(shifted, file)).toHaveLength(golden.tiles.length)
})

test('every golden belongs to an operation', async () => {
  const names = (await readdir(goldenFolder)).map((file) => file.replace('.png', ''))
  expect(names.filter((name) => !goldenExamples.has(name))).toEqual([])
})
