import { describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import { bearerProtocol, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { sampleImage } from '@pixelflow/testkit/images'
import type { RunningProcess } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { imageSize } from 'image-size'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTuneSocket, type SocketOptions } from '../../testing/tune-socket.ts'

/** Tuning over a WebSocket, with gateway, broker and actors as real processes. */

let stack: Stack
let gateway: GatewayProcess
let actor: RunningProcess
let image: string
useFixture(startStack, async (opened) => {
  stack = opened
  ;[gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
  image = await upload(gateway.url, await sampleImage({ width: 2400, height: 1600 }))
})

async function upload(url: string, bytes: Uint8Array, headers = {}): Promise<string> {
  const answer = await fetch(`${url}/api/v1/images`, {
    method: 'POST',
    body: bytes as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': 'image/jpeg', ...headers },
  })
  return ((await answer.json()) as { id: string }).id
}

const tuning = (url = gateway.url, options?: SocketOptions) => openTuneSocket(url, options)
const open = (recipe: string): ClientMessageInput => ({ type: 'open', image, recipe })
const change = (sequence: number, recipe: string): ClientMessageInput => ({
  type: 'change',
  sequence,
  recipe,
})

describe('tuning', () => {
  test('previews changes, refuses invalid ones, and applies the recipe', async () => {
    const session = tuning()
    await session.send(open('resize:1200/blur:3'))
    expect(session.socket.protocol).toBe(tuneProtocol)
    expect(await session.receive('opened')).toMatchObject({ preview: { width: 1254, height: 836 } })
    const first = await session.preview(0)
    expect(first).toMatchObject({ width: 1200, height: 800, output: 'default', mediaType: 'image/jpeg' })
    expect(imageSize(first.file ?? new Uint8Array())).toMatchObject({ type: 'jpg', width: 1200, height: 800 })

    await session.send({ type: 'change', sequence: 1, set: { 'steps[1].sigma': 'much' } })
    expect(await session.receive('refused')).toMatchObject({
      sequence: 1,
      fault: { code: 'invalid_recipe', field: 'steps[1].sigma' },
    })
    await session.send({ type: 'change', sequence: 2, recipe: 'crop:0:0:9000:10' })
    expect(await session.receive('refused')).toMatchObject({
      sequence: 2,
      fault: { code: 'processing_failed' },
    })
    await session.send({ type: 'change', sequence: 1, recipe: 'flip' })
    expect(await session.receive('refused')).toMatchObject({ sequence: 1, fault: { field: 'sequence' } })
    await session.send({ type: 'change', sequence: 3, recipe: 'resize:90/grayscale' })
    // The preview is still being rendered, so `applied` may come before or after it.
    await session.send({ type: 'apply' })
    const { applied, preview } = await session.receiveApplied(3)
    const { task, sequence, position } = applied
    expect(position).toMatch(/^[0-9a-z]+\.[0-9a-z]+$/)
    expect(sequence).toBe(3)
    expect(preview.width).toBe(90)
    const readTask = async () =>
      (await (await fetch(`${gateway.url}/api/v1/tasks/${task.id}`)).json()) as TaskView
    const { outputs, recipe } = await waitFor(
      'task completed',
      readTask,
      ({ status }) => status === 'completed',
    )
    expect(outputs).toMatchObject([{ width: 90, height: 60 }])
    expect(recipe.steps).toMatchObject([{ op: 'resize', width: 90 }, { op: 'grayscale' }])
    session.socket.close(1000)
    expect((await session.closed).code).toBe(1000)
  }, 30_000)

  test('a thousand changes produce few previews, including the last one', async () => {
    const session = tuning()
    await session.send(open('blur:2'))
    await session.preview(0)
    await session.send(...Array.from({ length: 1000 }, (_, i) => change(i + 1, `blur:${2 + i / 100}`)))
    let [count, last] = [0, 0]
    while (last !== 1000) {
      last = (await session.receive('preview')).sequence
      count += 1
    }
    expect(count).toBeLessThan(60)
    session.socket.close()
  }, 30_000)

  test('continues with another actor when its actor is killed', async () => {
    const session = tuning()
    await session.send(open('blur:2'))
    await session.preview(0)
    await session.send(change(1, 'blur:30'))
    actor.signal('SIGKILL')
    actor = await stack.actor()
    await session.receive('restored')
    await session.send(change(2, 'resize:70'))
    expect((await session.preview(2)).width).toBe(70)
    session.socket.close()
  }, 30_000)
})

describe('the close frame has the reason', () => {
  test.each([
    [
      'an unknown image',
      { ...open('flip'), image: '01890a5d-ac96-774b-bcce-b302099a8057' },
      1008,
      'image_not_found',
    ],
    ['an invalid recipe', () => open('blurr:3'), 1008, 'invalid_recipe'],
    ['a change before the opening', change(1, 'flip'), 1002, 'invalid_request'],
    ['a message of an unknown type', { type: 'close' } as never, 1002, 'invalid_request'],
    ['text that is not JSON', 'open sesame', 1002, 'invalid_request'],
    ['a message that is too long', ' '.repeat(65_537), 1009, 'invalid_request'],
  ])('for %s', async (_, message, code, reason) => {
    const session = tuning()
    await session.send(typeof message === 'function' ? message() : message)
    expect(await session.receive('failed')).toMatchObject({ fault: { code: reason } })
    expect(await session.closed).toEqual({ code, reason })
  })

  test('for binary messages', async () => {
    const session = tuning()
    await session.opened
    session.socket.send(new Uint8Array(3))
    expect((await session.receive('failed')).fault.detail).toContain('text frame')
    expect((await session.closed).code).toBe(1002)
  })

  test('when the session is idle', async () => {
    const shortTimeout = await stack.gateway({ env: { PIXELFLOW_TUNE_IDLE_TIMEOUT: '1s' } })
    const session = tuning(shortTimeout.url)
    await session.send(open('resize:40'))
    await session.receive('opened')
    expect((await session.receive('failed')).fault).toMatchObject({ code: 'deadline_exceeded' })
    expect((await session.closed).code).toBe(1008)
  }, 30_000)

  test('when there is no actor', async () => {
    await using empty = await startStack()
    const alone = await empty.gateway()
    const session = tuning(alone.url)
    await session.send({
      ...open('flip'),
      image: await upload(alone.url, await sampleImage({ width: 40, height: 40 })),
    } as ClientMessageInput)
    expect((await session.receive('failed')).fault.code).toBe('unavailable')
    expect((await session.closed).code).toBe(1013)
  }, 30_000)

  test('when the gateway stops', async () => {
    const stopping = await stack.gateway()
    const session = tuning(stopping.url)
    await session.send(open('resize:40'))
    await session.preview(0)
    stopping.signal('SIGTERM')
    expect((await session.receive('failed')).fault).toMatchObject({ detail: 'This gateway is stopping.' })
    expect(await session.closed).toEqual({ code: 1012, reason: 'unavailable' })
    expect(await stopping.exited).toBe(0)
  }, 30_000)
})

describe('authentication', () => {
  test('without tokens, accepts pages of this origin and programs', async () => {
    const own = tuning(gateway.url, { headers: { origin: gateway.url } })
    await own.send(open('resize:40'))
    await own.preview(0)
    own.socket.close()
    const foreign = tuning(gateway.url, { headers: { origin: 'https://evil.example' } })
    expect((await foreign.closed).code).not.toBe(1000)
    expect(foreign.socket.protocol).toBe('')
  }, 30_000)

  test.each([
    [{}, 400, 'Upgrade'],
    [{ 'sec-websocket-protocol': 'chat' }, 400, 'Sec-WebSocket-Protocol'],
    [{ origin: 'https://evil.example' }, 403, 'Origin'],
    [{ host: 'rebound.example' }, 403, 'Host'],
  ])('refuses other handshakes with a problem response: %j', async (headers, status, field) => {
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    const all = field === 'Upgrade' ? headers : { ...upgrade, ...headers }
    const answer = await fetch(`${gateway.url}/api/v1/tune`, { headers: all as Record<string, string> })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({ field })
  })

  test('accepts a token in the header or as a subprotocol', async () => {
    const env = { PIXELFLOW_API_TOKENS: 'ann:a/secret+==,bob:another' }
    const closed = await stack.gateway({ env })
    const id = await upload(closed.url, await sampleImage({ width: 60, height: 40 }), {
      authorization: 'Bearer a/secret+==',
    })
    const opening = { ...open('flip'), image: id } as ClientMessageInput
    for (const options of [
      {
        protocols: [tuneProtocol, bearerProtocol('a/secret+==')],
        headers: { origin: 'https://elsewhere.example' },
      },
      { headers: { authorization: 'Bearer a/secret+==' } },
    ]) {
      const session = tuning(closed.url, options)
      await session.send(opening)
      expect((await session.preview(0)).width).toBe(60)
      session.socket.close()
    }
    const bob = tuning(closed.url, { protocols: [tuneProtocol, bearerProtocol('another')] })
    await bob.send(opening)
    expect((await bob.receive('failed')).fault.code).toBe('image_not_found')
    // A page cannot read the response to a failed handshake, so it gets the fault as a message.
    const page = tuning(closed.url, {
      protocols: [tuneProtocol, bearerProtocol('wrong')],
      headers: { origin: closed.url },
    })
    expect((await page.receive('failed')).fault.code).toBe('unauthenticated')
    expect(await page.closed).toEqual({ code: 1008, reason: 'unauthenticated' })
    const program = tuning(closed.url, { protocols: [tuneProtocol, bearerProtocol('wrong')] })
    expect((await program.closed).code).not.toBe(1000)
    expect(closed.lines.join('')).not.toContain('secret')
  }, 30_000)
})
