import { describe, expect, test } from 'bun:test'
import { catalogue } from '../operations/index.ts'
import { parseRecipe } from './recipe.ts'
import { recipesMarkdown } from './recipes-markdown.ts'

describe('the recipe documentation', () => {
  const page = recipesMarkdown()

  test('has a section for every operation and a row for every parameter', () => {
    for (const name of catalogue.names) {
      expect(page).toContain(`\n## ${name}\n`)
      for (const parameter of Object.keys(catalogue.parameters(name)))
        expect(page).toContain(`| \`${parameter}\` |`)
    }
  })

  test('contains only valid recipes', () => {
    const jsonBlocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(
      ([, json = '']) => JSON.parse(json) as unknown,
    )
    expect(jsonBlocks.length).toBe(2)
    for (const recipe of jsonBlocks) expect(() => parseRecipe(recipe)).not.toThrow()
    const quoted = [...page.matchAll(/`((?:[a-z]+:[^`…\s]+\/?)+)`/g)]
      .map(([, text = '']) => text)
      .filter((text) => catalogue.names.includes(text.split(':')[0] ?? ''))
    expect(quoted.length).toBeGreaterThan(15)
    for (const text of quoted) expect(() => parseRecipe(text)).not.toThrow()
  })
})
