import { describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { Fault } from '@pixelflow/core/fault'
import { previewOptions } from '@pixelflow/core/tune/client-message'
import { sampleImage } from '@pixelflow/testkit/images'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { catchFault } from '@pixelflow/testkit/catch-fault'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openPreviewHarness, type PreviewHarness } from '../../testing/preview-harness.ts'

/** Sessions under load, and sessions that fail. */

let previews: PreviewHarness
useFixture(openPreviewHarness, (opened) => (previews = opened))

describe('under load', () => {
  test('only the newest of a thousand changes is rendered, and the one in progress', async () => {
    const { id } = await previews.cluster.upload(await sampleImage({ width: 2000, height: 1500 }))
    await using session = await previews.open(id, 'blur:5')
    await session.receivePreview(0)
    const last = 1000
    for (let sequence = 1; sequence <= last; sequence += 1) {
      await session.send(sequence, `blur:${5 + sequence / 100}`)
    }
    const answered: number[] = []
    while (answered.at(-1) !== last) {
      const { message } = await session.receive()
      if (message.type === 'preview') answered.push(message.sequence)
    }
    expect(answered.length).toBeLessThan(20)
    expect(answered).toEqual(answered.toSorted((a, b) => a - b))
  }, 30_000)

  test('a killed worker ends at most one rendering', async () => {
    const { id } = await previews.cluster.upload(await sampleImage({ width: 2000, height: 1500 }))
    await using session = await previews.open(id, 'flip')
    await session.receivePreview(0)
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      await session.send(sequence, `blur:${20 + sequence}`)
      // Long enough for the rendering to begin, and shorter than it takes.
      await Bun.sleep(30)
      for (const pid of previews.sandbox.pids) process.kill(pid, 'SIGKILL')
    }
    await session.send(6, 'resize:70')
    expect(await session.receiveAnswer(6)).toMatchObject({ type: 'preview', width: 70 })
  }, 30_000)

  test('sessions beyond the scratch quota are refused as unavailable', async () => {
    const { id } = await previews.cluster.upload(await sampleImage({ width: 100, height: 100 }))
    const large = { preview: previewOptions.parse({ maxPixels: 4_194_304 }) }
    await using first = await previews.open(id, 'flip', large)
    await first.receivePreview(0)
    await using second = await previews.open(id, 'flip', large)
    await second.receivePreview(0)
    await using third = await previews.open(id, 'flip', large)
    expect((await catchFault(third.receive())).code).toBe('unavailable')
    await first[Symbol.asyncDispose]()
    const openAnother = async () => {
      await using next = await previews.open(id, 'flip', large)
      return await next.receivePreview(0).catch((error: unknown) => error)
    }
    await waitFor('scratch quota free again', openAnother, (outcome) => !(outcome instanceof Fault))
  }, 30_000)
})

test('the worker survives when a client leaves during a rendering', async () => {
  const { id } = await previews.cluster.upload(await sampleImage({ width: 2000, height: 1500 }))
  const pids = previews.sandbox.pids
  const session = await previews.open(id, 'flip')
  await session.receivePreview(0)
  await session.send(1, 'blur:30')
  // The rendering has begun by then.
  await Bun.sleep(10)
  await session[Symbol.asyncDispose]()
  await using next = await previews.open(id, 'flip')
  await next.receivePreview(0)
  expect(previews.sandbox.pids).toEqual(pids)
}, 30_000)

describe('a session fails', () => {
  test('for an image that the account does not have', async () => {
    const { id } = await previews.cluster.upload(await sampleImage({ width: 100, height: 100 }))
    await using foreign = await previews.open(id, 'flip', { account: 'bob' })
    expect((await catchFault(foreign.receive())).code).toBe('image_not_found')
  }, 30_000)

  test('for a damaged image', async () => {
    const whole = await sampleImage({ width: 600, height: 400 })
    const { id } = await previews.cluster.upload(whole.subarray(0, whole.length / 3))
    await using session = await previews.open(id, 'flip')
    expect((await catchFault(session.receive())).code).toBe('corrupt_image')
  }, 30_000)

  test('after the idle timeout', async () => {
    const { id } = await previews.cluster.upload(await sampleImage({ width: 100, height: 100 }))
    await using session = await previews.open(id, 'flip')
    await session.receivePreview(0)
    const fault = await catchFault(session.receive())
    expect(fault.report()).toMatchObject({
      code: 'deadline_exceeded',
      detail: 'The session had no change for 3 s.',
    })
    expect(await readdir(previews.scratch.large)).toEqual([])
  }, 30_000)

  test('when the gateway has another version', async () => {
    const session = await previews.cluster.adapters.sessions.open(
      'preview',
      { of: 'old' },
      AbortSignal.timeout(5000),
    )
    await using _ = session
    expect((await catchFault(session.next())).code).toBe('unavailable')
  }, 30_000)
})
