import { describe, expect, test } from 'bun:test'
import type { Problem } from '@pixelflow/core/problem'
import { svg, svgBombs } from '@pixelflow/testkit/hostile/svg'
import { svgExternalReferences } from '@pixelflow/testkit/hostile/svg-external-references'
import { followToEnd } from '../client.ts'
import { target } from './shared-target.ts'

const type = 'image/svg+xml'

export function testSvgFiles(): void {
  describe('SVG files', () => {
    test('that are bombs are refused at upload or fail as tasks', async () => {
      const results = svgBombs.map(async ({ name, bytes, end }) => ({ name, end, got: await endOf(bytes) }))
      for (const { name, end, got } of await Promise.all(results)) expect([name, got]).toEqual([name, end])
    }, 60_000)

    test('with external references cause no request', async () => {
      let connections = 0
      using listener = Bun.listen({
        hostname: '127.0.0.1',
        port: 0,
        socket: { open: () => void (connections += 1), data() {} },
      })
      const results = svgExternalReferences(listener.port).map(async ({ name, bytes, end }) => ({
        name,
        end,
        got: await endOf(bytes),
      }))
      for (const { name, end, got } of await Promise.all(results)) expect([name, got]).toEqual([name, end])
      expect(connections).toBe(0)
    }, 60_000)

    test('are served unchanged, and browsers run no script in them', async () => {
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

    test('are rendered and refused by synchronous calls too', async () => {
      const process = (bytes: Uint8Array) =>
        target.api.call('/api/v1/process?recipe=resize:50', {
          method: 'POST',
          body: bytes as Uint8Array<ArrayBuffer>,
          headers: { 'content-type': type },
        })
      const good = await process(svg('<rect width="9" height="9"/>'))
      expect([good.status, good.headers.get('content-type')]).toEqual([200, 'image/png'])
      const bad = await process(svg('<g id="a"><use href="#a"/></g>'))
      expect([bad.status, ((await bad.json()) as Problem).code]).toEqual([422, 'corrupt_image'])
    }, 20_000)
  })
}

/** Fault code of the upload or the task; `image` when the task completes. */
async function endOf(bytes: Uint8Array): Promise<string | undefined> {
  const form = new FormData()
  form.set('recipe', 'format:png')
  form.set('file', new Blob([bytes], { type }), 'a.svg')
  const answer = await target.api.call('/api/v1/tasks', { method: 'POST', body: form })
  if (answer.status !== 202) return ((await answer.json()) as Problem).code
  const { id } = (await answer.json()) as { id: string }
  const seen = await followToEnd(() => target.api, id)
  const last = seen.at(-1)?.view
  return last?.kind === 'completed' ? 'image' : last?.task.fault?.code
}
