import { describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { followToEnd } from '../client.ts'
import { formatHttpRequest } from './http-request.ts'
import { target } from './shared-target.ts'

export function testRaces(): void {
  describe('races', () => {
    test('tasks that are cancelled and deleted concurrently end once and leave no outputs', async () => {
      const large = (await target.api.upload(await sampleImage({ width: 1600, height: 1200, seed: 77 }))).id
      const recipe = {
        steps: [],
        outputs: {
          a: { steps: [{ op: 'format', type: 'png' }] },
          b: { steps: [{ op: 'blur', sigma: 2 }] },
          c: { steps: [] },
        },
      }
      const before = await target.broker.bytes()
      const call = async (method: string, path: string) => (await target.api.call(path, { method })).status
      const runs = Array.from({ length: 24 }, async (_, i) => {
        const { id } = await target.api.submit(large, recipe)
        const path = `/api/v1/tasks/${id}`
        const watching = followToEnd(() => target.api, id, { timeoutMs: 20_000 }).catch(() => [])
        // Each task is at another stage when it is cancelled.
        await Bun.sleep(i * 40)
        const statuses = await Promise.all(
          i % 2
            ? [
                call('POST', `${path}/cancel`),
                call('DELETE', path),
                call('POST', `${path}/cancel`),
                call('DELETE', path),
              ]
            : [call('DELETE', path), call('DELETE', path), call('DELETE', path)],
        )
        for (const status of statuses) expect([200, 204, 404, 409]).toContain(status)
        expect(statuses).toContain(204)
        expect(await call('GET', path)).toBe(404)
        expect(await call('GET', `${path}/outputs/a`)).toBe(404)
        return { id, watching }
      })
      await Promise.all(runs)
      // An attempt of a deleted task removes its outputs.
      const storedBytes = async () =>
        ((await target.broker.bytes())['OBJ_results'] ?? 0) - (before['OBJ_results'] ?? 0)
      await waitFor('outputs removed', storedBytes, (bytes) => bytes <= 64 * 1024)
      expect((await target.broker.messages())['JOBS']).toBe(0)
    }, 40_000)

    test('images that are deleted while tasks are created from them cause no other fault', async () => {
      for (let i = 0; i < 6; i++) {
        const { id } = await target.api.upload(await sampleImage({ width: 64, height: 64, seed: 500 + i }))
        const [created, deleted, deletedAgain] = await Promise.all([
          target.api.call('/api/v1/tasks', {
            method: 'POST',
            body: JSON.stringify({ image: id, recipe: 'flip' }),
            headers: { 'content-type': 'application/json' },
          }),
          target.api.call(`/api/v1/images/${id}`, { method: 'DELETE' }),
          target.api.call(`/api/v1/images/${id}`, { method: 'DELETE' }),
        ])
        expect([202, 404]).toContain(created.status)
        expect([204, 404]).toContain(deleted.status)
        expect([204, 404]).toContain(deletedAgain.status)
        if (created.status !== 202) continue
        const seen = await followToEnd(() => target.api, ((await created.json()) as { id: string }).id)
        const end = seen.at(-1)?.view
        expect([undefined, 'image_not_found']).toContain(end?.task.fault?.code)
      }
    }, 20_000)

    test('clients that never read do not delay others', async () => {
      const large = await target.api.upload(
        await sampleImage({ width: 3000, height: 2000, format: 'png', seed: 9 }),
      )
      const { id } = await target.api.submit(large.id, 'flip')
      const idleSockets = Array.from({ length: 60 }, (_, i) =>
        openIdleSocket(
          formatHttpRequest(
            'GET',
            i % 2 ? `/api/v1/tasks/${id}/events` : `/api/v1/images/${large.id}/content`,
          ),
        ),
      )
      await followToEnd(() => target.api, id)
      const startedAt = Date.now()
      await target.processValidImage()
      expect(Date.now() - startedAt).toBeLessThan(4000)
      expect(target.broker.nats.log()).not.toContain('Slow Consumer')
      for (const socket of idleSockets) socket.destroy()
    }, 30_000)
  })
}

function openIdleSocket(bytes: string) {
  const { hostname, port } = new URL(target.url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  socket.on('error', () => {})
  socket.write(bytes)
  return socket
}
