import { describe, expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/api'
import { flipped } from '@pixelflow/testkit/hostile/damage'
import { packedChunk, png } from '@pixelflow/testkit/hostile/png'
import { sampleImage } from '@pixelflow/testkit/images'
import { followToEnd } from '../client.ts'
import { house } from './attack.ts'

const formats = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const

export function damagedPictures(): void {
  describe('pictures', () => {
    test('in every format, cut and with flipped bits, end in a result or a typed fault', async () => {
      const allowed = [
        'corrupt_image',
        'unsupported_format',
        'processing_failed',
        'too_many_pixels',
        'out_of_bounds',
      ]
      for (const format of formats) {
        const good = await sampleImage({ width: 160, height: 120, format })
        const damaged: Uint8Array[] = [0.1, 0.5, 0.95, 0.999].map((at) =>
          good.slice(0, Math.floor(good.length * at)),
        )
        for (let seed = 1; seed <= 8; seed++) damaged.push(flipped(good, seed, seed * seed))
        const endings = damaged.map(async (bytes, i) => {
          const answer = await house.api.call('/api/v1/tasks', { method: 'POST', body: formOf(bytes) })
          if (answer.status !== 202) return ((await answer.json()) as Problem).code
          const { id } = (await answer.json()) as { id: string }
          const seen = await followToEnd(() => house.api, id)
          const finals = seen.filter(({ view }) => ['completed', 'failed'].includes(view.kind))
          expect(finals.length).toBe(1)
          const { kind, task } = (finals[0] as (typeof seen)[number]).view
          if (i < 4) expect([format, i, kind]).toEqual([format, i, 'failed'])
          if (kind === 'failed') expect([format, i, task.outputs]).toEqual([format, i, []])
          return kind === 'completed' ? undefined : task.fault?.code
        })
        for (const code of await Promise.all(endings)) if (code !== undefined) expect(allowed).toContain(code)
      }
    }, 40_000)

    test('that unpack to far more than they are end within bounds', async () => {
      const bombs: [string, Uint8Array, string, string?][] = [
        ['more rows than stated', png(20_000, 20_000, { width: 100, height: 100 }), 'resize:10'],
        [
          'fewer rows than stated',
          png(100, 100, { width: 9000, height: 9000 }),
          'resize:10',
          'corrupt_image',
        ],
        ['as large as is allowed', png(10_000, 10_000), 'resize:10'],
        ['turned into something larger', png(10_000, 10_000), 'rotate:45', 'too_many_pixels'],
        ['a packed profile', png(100, 100, undefined, packedChunk('iCCP', 100e6)), 'resize:10'],
        ['a packed text', png(100, 100, undefined, packedChunk('zTXt', 100e6)), 'resize:10'],
      ]
      for (const [what, bytes, recipe, code] of bombs) {
        const { end } = await house.process(bytes, recipe)
        expect([what, end?.kind, end?.task.fault?.code]).toEqual([what, code ? 'failed' : 'completed', code])
      }
    }, 40_000)
  })
}

function formOf(bytes: Uint8Array): FormData {
  const form = new FormData()
  form.set('recipe', 'resize:10/format:png')
  form.set('file', new Blob([bytes]), 'a')
  return form
}
