import { expect, test } from 'bun:test'
import { parseRecipe } from './recipe/recipe.ts'
import { viewImage, viewTask } from './views.ts'

const id = '01900000-0000-7000-8000-000000000001'
const at = '2026-11-30T09:00:00.000Z'
const sha256 = 'a'.repeat(64)
const location = 'nuid.131072.7-9'

test('views show neither the account nor where bytes are stored', () => {
  const image = {
    id,
    account: 'ann',
    sha256,
    bytes: 9,
    format: 'png',
    width: 1,
    height: 1,
    createdAt: at,
  } as const
  const output = { name: 'default', format: 'png', mediaType: 'image/png', bytes: 9, sha256 } as const
  const task = {
    id,
    account: 'ann',
    status: 'completed',
    progress: 100,
    image: id,
    recipe: parseRecipe('flip'),
    lane: 'interactive',
    outputs: [{ ...output, width: 1, height: 1, location }],
    attempt: 1,
    createdAt: at,
    updatedAt: at,
  } as const
  const views = [viewImage({ ...image, location }), viewTask({ ...task, outputs: [...task.outputs] })]
  for (const view of views) expect(JSON.stringify(view)).not.toMatch(/"ann"|location|131072/)
})
