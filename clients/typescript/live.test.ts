import { describe, expect, test } from 'bun:test'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { sha256Of, openClientPair, protocols, catchError, type ClientPair } from './testing/client-pair.ts'

/** Synchronous calls and tuning. */

let both: ClientPair
useFixture(openClientPair, (opened) => (both = opened))

describe.each(protocols)('over %s', (protocol) => {
  const client = () => both[protocol]

  test('processes an image in one call', async () => {
    const recipes = [
      'resize:300/format:webp',
      {
        steps: [
          { op: 'resize', width: 300 },
          { op: 'format', type: 'webp' },
        ],
      },
    ]
    for (const source of [both.photo, new Blob([both.photo]).stream()]) {
      for (const recipe of recipes.slice(source === both.photo ? 0 : 1)) {
        const image = await client().processImage(source, recipe)
        expect(image).toMatchObject({ mediaType: 'image/webp' })
        const bytes = new Uint8Array(await new Response(image.body).arrayBuffer())
        expect([sha256Of(bytes), bytes.length]).toEqual([image.sha256, image.bytes])
      }
    }
    const twoOutputs = {
      steps: [],
      outputs: { a: { steps: [{ op: 'resize', width: 10 }] }, b: { steps: [] } },
    }
    const small = await client().processImage(both.photo, twoOutputs, { output: 'a' })
    expect(small.bytes).toBeLessThan(2000)
    await small.body.cancel()
    // Longer than the limit of the query string.
    const longRecipe = {
      steps: [{ op: 'resize', width: 10 }],
      outputs: { a: { steps: [] }, ['b'.repeat(5000)]: { steps: [] } },
    }
    expect(await catchError(client().processImage(both.photo, longRecipe, { output: 'a' }))).toMatchObject({
      code: 'invalid_recipe',
    })
    expect(await catchError(client().processImage(both.photo.slice(0, 700), 'resize:10'))).toMatchObject({
      code: 'corrupt_image',
    })
  }, 30_000)

  test('tunes: previews each change, refuses an invalid change with its field, and creates a task', async () => {
    const { id: image } = await client().upload(both.photo)
    await using tuning = await client().tune({
      image,
      recipe: 'resize:300/blur:1',
      preview: { format: 'webp' },
    })
    expect(tuning.opened).toMatchObject({ source: { width: 900, height: 600 } })
    const first = await tuning.preview(0)
    expect(first).toMatchObject({ format: 'webp', output: 'default', result: { width: 300, height: 200 } })
    expect(first.file.length).toBe(first.bytes)

    const changed = await tuning.preview(tuning.change({ set: { 'steps[1].sigma': 9 } }))
    expect(changed.file).not.toEqual(first.file)
    expect(await catchError(tuning.preview(tuning.change({ set: { 'steps[1].sigma': -1 } })))).toMatchObject({
      code: 'invalid_recipe',
      field: 'steps[1].sigma',
    })
    for (const sigma of [2, 3, 4, 5, 6]) tuning.change({ recipe: `resize:200/blur:${sigma}/format:png` })
    expect((await tuning.preview(7)).result).toEqual({ width: 200, height: 133 })

    const types: string[] = []
    for await (const { type } of tuning) {
      types.push(type)
      if (type === 'preview') break
    }
    expect(types).toEqual(['opened', 'refused', 'preview'])
    const { id, recipe } = await tuning.apply()
    expect(recipe).toMatchObject({ steps: [{ op: 'resize' }, { sigma: 6 }, { op: 'format' }] })
    const events = await Array.fromAsync(client().watch(id))
    expect(events.at(-1)?.task).toMatchObject({
      status: 'completed',
      outputs: [{ format: 'png', width: 200 }],
    })
  }, 30_000)

  test('reports the error of a session that cannot be opened, and the reason of an aborted one', async () => {
    const image = '01890a5d-ac96-774b-bcce-b302099a8057'
    expect(await catchError(client().tune({ image, recipe: 'blur' }))).toMatchObject({
      code: 'image_not_found',
    })
    const stop = new AbortController()
    const stored = await client().upload(both.photo)
    const tuning = await client().tune({ image: stored.id, recipe: 'blur', signal: stop.signal })
    await tuning.preview(0)
    const reason = new Error('enough')
    const preview = tuning.preview(99)
    stop.abort(reason)
    await expect(preview).rejects.toBe(reason)
    await expect(tuning.apply()).rejects.toBe(reason)
    await tuning[Symbol.asyncDispose]()
  }, 30_000)
})
