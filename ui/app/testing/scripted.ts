import { expect } from 'bun:test'
import { effect, signal } from '@preact/signals'
import { openHttp } from '@pixelflow/client'
import { describeOperations } from '@pixelflow/core/operations/index'
import { clientMessage, type ClientMessage } from '@pixelflow/core/tune/client-message'
import { closeCodes, tunePath } from '@pixelflow/core/tune/tune-protocol'
import type { ServerWebSocket } from 'bun'
import { createLive } from '../live.ts'
import { createRecipes } from '../recipe.ts'
import { createServer } from '../server.ts'
import type { Session } from '../session.ts'
import type { Source, Sources } from '../source.ts'
import { createUploads } from '../uploads.ts'

/** A server whose responses each test sets, and the live preview connected to it by a real WebSocket. */

type Socket = ServerWebSocket
export type Answer = (socket: Socket, said: ClientMessage, count: number) => void

export const size = { width: 200, height: 100 }
export const fault = (code: string, more = {}) => ({ code, detail: `It is ${code}.`, ...more })

export function say(socket: Socket, heard: object): void {
  socket.send(JSON.stringify(heard))
}

export function show(socket: Socket, sequence: number): void {
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

export function fail(socket: Socket, code: string, close: number = closeCodes.refused): void {
  say(socket, { type: 'failed', fault: fault(code) })
  socket.close(close, code)
}

/** Accepts the session, and sends a preview for every change. */
export const obliging: Answer = (socket, said) => {
  if (said.type === 'open') say(socket, { type: 'opened', source: size, preview: size })
  show(socket, said.type === 'change' ? said.sequence : 0)
}

export async function openLive(
  scope: AsyncDisposableStack,
  answer: Answer,
  { imageId = null as string | null, wanted = true, pauseMs = 10 } = {},
) {
  const said: ClientMessage[] = []
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
        const one = clientMessage.parse(JSON.parse(String(text)))
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

export async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5000; !holds(); await Bun.sleep(5))
    if (Date.now() > deadline) throw new Error(`never: ${String(holds)}`)
}
