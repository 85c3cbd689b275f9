import { afterEach, describe, expect, test } from 'bun:test'
import { effect, signal } from '@preact/signals'
import { openHttp } from '@pixelflow/client'
import { describeOperations } from '@pixelflow/core/operations/index'
import { tuneSaid, type TuneSaid } from '@pixelflow/core/tune/said'
import { closeCodes, tunePath } from '@pixelflow/core/tune/websocket'
import type { ServerWebSocket } from 'bun'
import { createLive } from './live.ts'
import { createRecipes } from './recipe.ts'
import { createServer } from './server.ts'
import type { Session } from './session.ts'
import type { Source, Sources } from './source.ts'
import { createUploads } from './uploads.ts'

/** The live preview against a server whose words each test lays, over a real WebSocket. */

type Socket = ServerWebSocket<undefined>
type Answer = (socket: Socket, said: TuneSaid, count: number) => void

let scope = new AsyncDisposableStack()
afterEach(async () => {
  await scope.disposeAsync()
  scope = new AsyncDisposableStack()
})

const size = { width: 200, height: 100 }
const fault = (code: string, more = {}) => ({ code, detail: `It is ${code}.`, ...more })

function say(socket: Socket, heard: object): void {
  socket.send(JSON.stringify(heard))
}

function show(socket: Socket, sequence: number): void {
  say(socket, {
    type: 'preview',
    sequence,
    output: 'default',
    ...size,
    result: size,
    mediaType: 'image/jpeg',
  })
  socket.send(new Uint8Array([sequence]))
}

function fail(socket: Socket, code: string, close: number = closeCodes.refused): void {
  say(socket, { type: 'failed', fault: fault(code) })
  socket.close(close, code)
}

/** Opens, and answers everything with a preview. */
const obliging: Answer = (socket, said) => {
  if (said.type === 'open') say(socket, { type: 'opened', source: size, preview: size })
  show(socket, said.type === 'change' ? said.sequence : 0)
}

async function open(answer: Answer, { imageId = null as string | null, wanted = true, pauseMs = 10 } = {}) {
  const said: TuneSaid[] = []
  const uploads: string[] = []
  let sockets = 0
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    routes: {
      [tunePath]: (request, own) => (own.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    },
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === '/api/v1/operations') return Response.json(describeOperations())
      uploads.push(`${request.method} ${pathname}`)
      await request.bytes()
      return Response.json({ id: `image-${uploads.length}`, sha256: '', ...size }, { status: 201 })
    },
    websocket: {
      open: () => void (sockets += 1),
      close: () => void (sockets -= 1),
      message(socket: Socket, text) {
        const one = tuneSaid.parse(JSON.parse(String(text)))
        said.push(one)
        answer(socket, one, said.filter(({ type }) => type === 'open').length)
      },
    },
  })
  scope.defer(() => server.stop(true))

  const client = openHttp({ url: server.url.href })
  const source = {
    url: 'blob:one',
    file: new Blob(['picture']),
    format: 'jpeg',
    drawable: true,
    imageId,
  } as unknown as Source
  const current = signal<Source | null>(source)
  const sources = {
    current,
    refusal: signal(null),
    stored(image: { id: string } | null) {
      if (current.value) current.value = { ...current.value, imageId: image?.id ?? null }
    },
  } as unknown as Sources
  const catalogue = createServer(client, { token: () => null, ask: async () => null })
  await catalogue.load()
  const recipes = createRecipes(catalogue, 'resize:100')
  const isSettled = signal(false)
  const drawn: string[] = []
  const troubles: unknown[] = []
  const kept = new Map(wanted ? [] : [['pixelflow.live', 'off']])
  const page = Object.assign(new EventTarget(), {
    localStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    },
  })
  const live = createLive({
    client,
    sources,
    uploads: createUploads(client, sources),
    recipes,
    session: { current: signal(null), token: () => null, ask: async () => null } as unknown as Session,
    isSettled,
    draw: async (url) => drawn.push(await (await fetch(url)).text()),
    page: page as unknown as Window,
    guard: (work) => void work.catch((thrown: unknown) => troubles.push(thrown)),
    firstPauseMs: pauseMs,
  })
  const states: string[] = []
  scope.defer(effect(() => void states.push(live.state.value)))
  scope.defer(() => expect(troubles).toEqual([]))
  scope.defer(() => void (current.value = null))
  return {
    live,
    recipes,
    current,
    isSettled,
    said,
    uploads,
    drawn,
    states,
    page,
    kept,
    sockets: () => sockets,
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5000; !holds(); await Bun.sleep(5))
    if (Date.now() > deadline) throw new Error(`never: ${String(holds)}`)
}

describe('a picture on the table', () => {
  test('is sent once, and every change of its recipe is answered by the picture as it will be', async () => {
    const { live, recipes, said, uploads, drawn, states } = await open(obliging)
    await until(() => live.preview.value !== null)
    expect(states).toEqual(['off', 'sending', 'opening', 'live'])
    expect(live.preview.value).toMatchObject({ output: 'default', ...size })
    recipes.write('resize:90')
    recipes.write('resize:80/blur')
    expect(live.isBehind.value).toBe(true)
    await until(() => !live.isBehind.value)
    expect(uploads).toEqual(['POST /api/v1/images'])
    expect(said.map((one) => one.type)).toEqual(['open', 'change', 'change'])
    expect(said.at(-1)).toMatchObject({ sequence: 2, recipe: { steps: [{ width: 80 }, { op: 'blur' }] } })
    expect(drawn.at(-1)).toBe('\u0002')
  })

  test('lets go of the preview before', async () => {
    const { live, recipes } = await open(obliging)
    await until(() => live.preview.value !== null)
    const first = live.preview.value?.url ?? ''
    recipes.write('resize:90')
    await until(() => live.preview.value?.url !== first)
    expect(fetch(first)).rejects.toThrow()
  })

  test('that the server has is not sent again, unless it is gone there', async () => {
    const { live, uploads, said } = await open(
      (socket, one, count) => (count === 1 ? fail(socket, 'image_not_found') : obliging(socket, one, count)),
      { imageId: 'old' },
    )
    await until(() => live.state.value === 'live')
    expect(uploads).toHaveLength(1)
    expect(said.map((one) => one.type === 'open' && one.image)).toEqual(['old', 'image-1'])
  })

  test('whose result is there needs no session until the recipe changes', async () => {
    const { live, recipes, isSettled, said } = await open(obliging, { wanted: false })
    isSettled.value = true
    live.turn(true)
    await Bun.sleep(30)
    expect([live.state.value, said.length]).toEqual(['resting', 0])
    isSettled.value = false
    recipes.write('resize:90')
    await until(() => live.state.value === 'live')
  })

  test('that is left ends the session; so does leaving the page', async () => {
    const { live, current, page, sockets } = await open(obliging)
    await until(() => live.preview.value !== null)
    page.dispatchEvent(new Event('pagehide'))
    await until(() => sockets() === 0)
    page.dispatchEvent(new Event('pageshow'))
    await until(() => live.preview.value !== null)
    current.value = null
    expect([live.state.value, live.preview.value]).toEqual(['off', null])
    await until(() => sockets() === 0)
  })
})

describe('what cannot be shown', () => {
  test('is told at its field, and the last good preview stays', async () => {
    const { live, recipes } = await open((socket, one, count) => {
      if (one.type !== 'change' || one.sequence !== 1) return obliging(socket, one, count)
      const place = { field: 'steps[0].width' }
      say(socket, { type: 'refused', sequence: 1, fault: fault('processing_failed', place) })
    })
    await until(() => live.preview.value !== null)
    const good = live.preview.value
    recipes.write('resize:90')
    await until(() => live.refused.value !== null)
    expect(recipes.problems.value).toMatchObject([
      { parameter: 'width', message: 'It is processing_failed.' },
    ])
    expect(live.preview.value).toBe(good)
    expect(live.isBehind.value).toBe(false)
    recipes.write('resize:80')
    await until(() => live.refused.value === null)
    expect(recipes.problems.value).toEqual([])
  })

  test('when it has been replaced already, is not told', async () => {
    const { live, recipes } = await open((socket, one, count) => {
      if (one.type === 'change' && one.sequence === 1) return
      if (one.type === 'change')
        say(socket, { type: 'refused', sequence: 1, fault: fault('processing_failed') })
      obliging(socket, one, count)
    })
    await until(() => live.preview.value !== null)
    recipes.write('resize:90')
    recipes.write('resize:80')
    await until(() => !live.isBehind.value)
    expect(live.refused.value).toBeNull()
  })
})

describe('without anybody who makes previews', () => {
  test('it says so, and begins when somebody comes', async () => {
    const { live, states } = await open((socket, one, count) => {
      if (count < 3) fail(socket, 'unavailable', closeCodes.tryLater)
      else obliging(socket, one, count)
    })
    await until(() => live.state.value === 'live')
    expect(states).toEqual(['off', 'sending', 'opening', 'absent', 'opening', 'absent', 'opening', 'live'])
  })

  test('it says why', async () => {
    const { live } = await open((socket) => fail(socket, 'unavailable', closeCodes.tryLater), {
      pauseMs: 5000,
    })
    await until(() => live.state.value === 'absent')
    expect(live.why.value).toBe('Nobody makes previews just now.')
  })

  test('for this picture, it does not ask again', async () => {
    const { live, said } = await open((socket) => fail(socket, 'corrupt_image'))
    await until(() => live.state.value === 'absent')
    await Bun.sleep(60)
    expect(said).toHaveLength(1)
    expect(live.why.value).toBe('It is corrupt_image.')
  })
})

describe('a session that ends', () => {
  test('with its gateway is opened again with the recipe as it is then', async () => {
    const { live, recipes, said, states } = await open((socket, one, count) => {
      obliging(socket, one, count)
      if (count === 1 && one.type === 'change') fail(socket, 'unavailable', closeCodes.restart)
    })
    await until(() => live.preview.value !== null)
    recipes.write('resize:90')
    await until(() => said.length === 3 && live.state.value === 'live')
    expect(states).toEqual(['off', 'sending', 'opening', 'live', 'lost', 'live'])
    expect(said.at(-1)).toMatchObject({ type: 'open', recipe: { steps: [{ width: 90 }] } })
  })

  test('because nothing was changed begins anew with the next change', async () => {
    const { live, recipes, said } = await open((socket, one, count) => {
      obliging(socket, one, count)
      if (count === 1) fail(socket, 'deadline_exceeded')
    })
    await until(() => live.state.value === 'resting')
    await Bun.sleep(50)
    expect(said).toHaveLength(1)
    recipes.write('resize:90')
    await until(() => live.state.value === 'live')
    expect(said).toHaveLength(2)
  })
})

describe('the switch', () => {
  test('is kept, and nothing is sent while it is off', async () => {
    const { live, uploads, kept } = await open(obliging, { wanted: false })
    await Bun.sleep(30)
    expect([live.state.value, uploads.length]).toEqual(['off', 0])
    live.turn(true)
    await until(() => live.state.value === 'live')
    expect(kept.size).toBe(0)
    live.turn(false)
    expect([live.preview.value, kept.get('pixelflow.live')]).toEqual([null, 'off'])
  })
})
