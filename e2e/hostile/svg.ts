import { describe, expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import { svg, svgBombs, svgSpies } from '@pixelflow/testkit/hostile/svg'
import { followToEnd } from '../client.ts'
import { target } from './attack.ts'

const type = 'image/svg+xml'

export function drawings(): void {
  describe('drawings', () => {
    test('bombs are refused, at upload or by the task', async () => {
      const endings = svgBombs.map(async ({ name, bytes, end }) => ({ name, end, got: await ending(bytes) }))
      for (const { name, end, got } of await Promise.all(endings)) expect([name, got]).toEqual([name, end])
    }, 60_000)

    test('external references cause no request, neither at upload nor at rendering', async () => {
      let calls = 0
      using listener = Bun.listen({
        hostname: '127.0.0.1',
        port: 0,
        socket: { open: () => void (calls += 1), data() {} },
      })
      const endings = svgSpies(listener.port).map(async ({ name, bytes, end }) => ({
        name,
        end,
        got: await ending(bytes),
      }))
      for (const { name, end, got } of await Promise.all(endings)) expect([name, got]).toEqual([name, end])
      expect(calls).toBe(0)
    }, 60_000)

    test('are given back as they came, and nothing in them may run', async () => {
      const bytes = svg(
        '<script>alert(document.domain)</script><rect width="9" height="9" onclick="alert(1)"/>',
      )
      const image = await target.api.upload(bytes, type)
      const answer = await target.api.call(`/api/v1/images/${image.id}/content`)
      expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), bytes)).toBe(0)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': type,
        'content-security-policy': "default-src 'none'; sandbox",
        'content-disposition': `attachment; filename="${image.id}.svg"`,
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      })
    })

    test('are drawn at once as well, and refused at once', async () => {
      const now = (bytes: Uint8Array) =>
        target.api.call('/api/v1/process?recipe=resize:50', {
          method: 'POST',
          body: bytes as Uint8Array<ArrayBuffer>,
          headers: { 'content-type': type },
        })
      const good = await now(svg('<rect width="9" height="9"/>'))
      expect([good.status, good.headers.get('content-type')]).toEqual([200, 'image/png'])
      const bad = await now(svg('<g id="a"><use href="#a"/></g>'))
      expect([bad.status, ((await bad.json()) as Problem).code]).toEqual([422, 'corrupt_image'])
    }, 20_000)
  })
}

/** Code of the fault with which the upload or the task ends; `drawn` when it does not. */
async function ending(bytes: Uint8Array): Promise<string | undefined> {
  const form = new FormData()
  form.set('recipe', 'format:png')
  form.set('file', new Blob([bytes], { type }), 'a.svg')
  const answer = await target.api.call('/api/v1/tasks', { method: 'POST', body: form })
  if (answer.status !== 202) return ((await answer.json()) as Problem).code
  const { id } = (await answer.json()) as { id: string }
  const seen = await followToEnd(() => target.api, id)
  const last = seen.at(-1)?.view
  return last?.kind === 'completed' ? 'drawn' : last?.task.fault?.code
}
