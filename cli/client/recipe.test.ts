import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFormat, readRecipe, withFormat } from './recipe.ts'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'pixelflow-recipe-'))
})
afterAll(() => rm(cwd, { recursive: true, force: true }))

test('text, JSON and files give the same recipe', async () => {
  const text = await readRecipe('resize:800/format:webp', cwd)
  const json = '{"steps":[{"op":"resize","width":800},{"op":"format","type":"webp"}]}'
  await writeFile(join(cwd, 'a.json'), `\n${json}\n`)
  await writeFile(join(cwd, 'a.txt'), 'resize:800/format:webp\n')
  expect(await readRecipe(json, cwd)).toEqual(text)
  expect(await readRecipe('@a.json', cwd)).toEqual(text)
  expect(await readRecipe('@a.txt', cwd)).toEqual(text)
})

test('an invalid recipe is refused with its field', async () => {
  await expect(readRecipe('resize:800/blurr:2', cwd)).rejects.toMatchObject({
    code: 2,
    field: 'steps[1].op',
    remedy: expect.stringContaining('blur'),
  })
  await expect(readRecipe('{"steps":', cwd)).rejects.toMatchObject({ code: 2, field: '--recipe' })
  await expect(readRecipe('@missing.json', cwd)).rejects.toMatchObject({ code: 2, field: '--recipe' })
})

test('the name of the result chooses the format, unless the recipe does', async () => {
  const type = async (recipe: string) =>
    (withFormat(await readRecipe(recipe, cwd), 'webp').steps.at(-1) as {
      op: string
      type?: string
      quality?: number
    }) ?? {}
  expect(await type('resize:800')).toMatchObject({ op: 'format', type: 'webp' })
  expect(await type('resize:800/format:quality=60')).toMatchObject({ type: 'webp', quality: 60 })
  expect(await type('resize:800/format:avif')).toMatchObject({ type: 'avif' })
  const named = await readRecipe('{"steps":[],"outputs":{"x":{"steps":[{"op":"blur","sigma":2}]}}}', cwd)
  expect(withFormat(named, 'png').outputs?.['x']?.steps.at(-1)).toMatchObject({ op: 'format', type: 'png' })
  expect(withFormat(named, undefined)).toBe(named)
  const two = await readRecipe(
    '{"steps":[],"outputs":{"a":{"steps":[]},"b":{"steps":[{"op":"format","type":"avif"}]}}}',
    cwd,
  )
  const both = withFormat(two, 'png')
  expect([findFormat(both, 'a'), findFormat(both, 'b')]).toEqual(['png', 'avif'])
})
