import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/api'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import { bearerProtocol, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { sampleImage } from '@pixelflow/testkit/images'
import type { Running } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { imageSize } from 'image-size'
import { openTuneSocket, type SocketOptions } from '../../testing/tune-socket.ts'

/** Tuning over a WebSocket: real gateways, broker and actors as processes. */

let stack: Stack
let gateway: GatewayProcess
let actor: Running
let image: string

beforeAll(async () => {
  stack = await startStack()
  ;[gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
  image = await upload(gateway.url, await sampleImage({ width: 2400, height: 1600 }))
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose]())

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
  test('shows changes, refuses what cannot be, and applies', async () => {
    const session = tuning()
    await session.say(open('resize:1200/blur:3'))
    expect(session.socket.protocol).toBe(tuneProtocol)
    expect(await session.hear('opened')).toMatchObject({ preview: { width: 1254, height: 836 } })
    const first = await session.preview(0)
    expect(first).toMatchObject({ width: 1200, height: 800, output: 'default', mediaType: 'image/jpeg' })
    expect(imageSize(first.file ?? new Uint8Array())).toMatchObject({ type: 'jpg', width: 1200, height: 800 })

    await session.say({ type: 'change', sequence: 1, set: { 'steps[1].sigma': 'much' } })
    expect(await session.hear('refused')).toMatchObject({
      sequence: 1,
      fault: { code: 'invalid_recipe', field: 'steps[1].sigma' },
    })
    await session.say({ type: 'change', sequence: 2, recipe: 'crop:0:0:9000:10' })
    expect(await session.hear('refused')).toMatchObject({ sequence: 2, fault: { code: 'processing_failed' } })
    await session.say({ type: 'change', sequence: 1, recipe: 'flip' })
    expect(await session.hear('refused')).toMatchObject({ sequence: 1, fault: { field: 'sequence' } })
    await session.say({ type: 'change', sequence: 3, recipe: 'resize:90/grayscale' })
    // Applied while its preview is being made, so either may be told first.
    await session.say({ type: 'apply' })
    const { applied, preview } = await session.both(3)
    const { task, sequence, position } = applied
    expect(position).toMatch(/^[0-9a-z]+\.[0-9a-z]+$/)
    expect(sequence).toBe(3)
    expect(preview.width).toBe(90)
    const finished = async () =>
      (await (await fetch(`${gateway.url}/api/v1/tasks/${task.id}`)).json()) as TaskView
    while ((await finished()).status !== 'completed') await Bun.sleep(20)
    expect((await finished()).outputs).toMatchObject([{ width: 90, height: 60 }])
    expect((await finished()).recipe.steps).toMatchObject([{ op: 'resize', width: 90 }, { op: 'grayscale' }])
    session.socket.close(1000)
    expect((await session.closed).code).toBe(1000)
  }, 30_000)

  test('a thousand changes are answered by few previews, the last among them', async () => {
    const session = tuning()
    await session.say(open('blur:2'))
    await session.preview(0)
    await session.say(...Array.from({ length: 1000 }, (_, i) => change(i + 1, `blur:${2 + i / 100}`)))
    let [count, last] = [0, 0]
    while (last !== 1000) {
      last = (await session.hear('preview')).sequence
      count += 1
    }
    expect(count).toBeLessThan(60)
    session.socket.close()
  }, 30_000)

  test('goes on with another actor when its own is killed', async () => {
    const session = tuning()
    await session.say(open('blur:2'))
    await session.preview(0)
    await session.say(change(1, 'blur:30'))
    actor.signal('SIGKILL')
    actor = await stack.actor()
    await session.hear('restored')
    await session.say(change(2, 'resize:70'))
    expect((await session.preview(2)).width).toBe(70)
    session.socket.close()
  }, 30_000)
})

describe('a socket is closed with its reason', () => {
  test.each([
    [
      'an image that is not there',
      { ...open('flip'), image: '01890a5d-ac96-774b-bcce-b302099a8057' },
      1008,
      'image_not_found',
    ],
    ['a recipe that is none', () => open('blurr:3'), 1008, 'invalid_recipe'],
    ['a change before the opening', change(1, 'flip'), 1002, 'invalid_request'],
    ['a message of no kind', { type: 'close' } as never, 1002, 'invalid_request'],
    ['what is not JSON', 'open sesame', 1002, 'invalid_request'],
    ['more than is taken', ' '.repeat(65_537), 1009, 'invalid_request'],
  ])('for %s', async (_, said, code, reason) => {
    const session = tuning()
    await session.say(typeof said === 'function' ? said() : said)
    expect(await session.hear('failed')).toMatchObject({ fault: { code: reason } })
    expect(await session.closed).toEqual({ code, reason })
  })

  test('for binary messages', async () => {
    const session = tuning()
    await session.opened
    session.socket.send(new Uint8Array(3))
    expect((await session.hear('failed')).fault.detail).toContain('text frames')
    expect((await session.closed).code).toBe(1002)
  })

  test('when nothing is said', async () => {
    const impatient = await stack.gateway({ env: { PIXELFLOW_TUNE_IDLE_TIMEOUT: '1s' } })
    const session = tuning(impatient.url)
    await session.say(open('resize:40'))
    await session.hear('opened')
    expect((await session.hear('failed')).fault).toMatchObject({ code: 'deadline_exceeded' })
    expect((await session.closed).code).toBe(1008)
  }, 30_000)

  test('when no actor is there', async () => {
    await using empty = await startStack()
    const alone = await empty.gateway()
    const session = tuning(alone.url)
    await session.say({
      ...open('flip'),
      image: await upload(alone.url, await sampleImage({ width: 40, height: 40 })),
    } as ClientMessageInput)
    expect((await session.hear('failed')).fault.code).toBe('unavailable')
    expect((await session.closed).code).toBe(1013)
  }, 30_000)

  test('when the gateway stops', async () => {
    const stopping = await stack.gateway()
    const session = tuning(stopping.url)
    await session.say(open('resize:40'))
    await session.preview(0)
    stopping.signal('SIGTERM')
    expect((await session.hear('failed')).fault).toMatchObject({ detail: 'This gateway is stopping.' })
    expect(await session.closed).toEqual({ code: 1012, reason: 'unavailable' })
    expect(await stopping.exited).toBe(0)
  }, 30_000)
})

describe('who may', () => {
  test('pages of this origin and programs, where there are no tokens', async () => {
    const own = tuning(gateway.url, { headers: { origin: gateway.url } })
    await own.say(open('resize:40'))
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
  ])('others are told as over HTTP: %j', async (headers, status, field) => {
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

  test('who brings a token, in the header or as a subprotocol', async () => {
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
      await session.say(opening)
      expect((await session.preview(0)).width).toBe(60)
      session.socket.close()
    }
    const bob = tuning(closed.url, { protocols: [tuneProtocol, bearerProtocol('another')] })
    await bob.say(opening)
    expect((await bob.hear('failed')).fault.code).toBe('image_not_found')
    // A page cannot read an answer to its handshake.
    const page = tuning(closed.url, {
      protocols: [tuneProtocol, bearerProtocol('wrong')],
      headers: { origin: closed.url },
    })
    expect((await page.hear('failed')).fault.code).toBe('unauthenticated')
    expect(await page.closed).toEqual({ code: 1008, reason: 'unauthenticated' })
    const program = tuning(closed.url, { protocols: [tuneProtocol, bearerProtocol('wrong')] })
    expect((await program.closed).code).not.toBe(1000)
    expect(closed.lines.join('')).not.toContain('secret')
  }, 30_000)
})
