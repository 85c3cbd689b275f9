import { expect } from 'bun:test'
import { effect, signal } from '@preact/signals'
import { openHttp } from '@pixelflow/client'
import { describeOperations } from '@pixelflow/core/operations/index'
import { clientMessage, type ClientMessage } from '@pixelflow/core/tune/client-message'
import { closeCodes, tunePath } from '@pixelflow/core/tune/tune-protocol'
import type { ServerWebSocket } from 'bun'
import { createLivePreview } from '../live-preview.ts'
import { loadRecipeParser } from '../../recipe/load-recipe-parser.ts'
import { createRecipeEditor } from '../recipe-editor.ts'
import { createServer } from '../server.ts'
import type { SelectedImage, ImageSelection } from '../image-selection.ts'
import type { TabCredentials } from '../tab-credentials.ts'
import { createUploads } from '../uploads.ts'

/** A server whose responses each test sets, and the live preview connected to it by a real WebSocket. */

type Socket = ServerWebSocket
/** Responds to a message; `opens` counts the `open` messages of all sessions so far. */
export type Respond = (socket: Socket, message: ClientMessage, opens: number) => void

export const size = { width: 200, height: 100 }
export const createFault = (code: string, more = {}) => ({ code, detail: `It is ${code}.`, ...more })

export function send(socket: Socket, message: object): void {
  socket.send(JSON.stringify(message))
}

export function sendPreview(socket: Socket, sequence: number): void {
  send(socket, {
    type: 'preview',
    sequence,
    output: 'default',
    ...size,
    result: size,
    mediaType: 'image/jpeg',
  })
  socket.send(new Uint8Array([sequence]))
}

export function closeWithFault(socket: Socket, code: string, close: number = closeCodes.refused): void {
  send(socket, { type: 'failed', fault: createFault(code) })
  socket.close(close, code)
}

/** Accepts the session, and sends a preview for every change. */
export const respondWithPreviews: Respond = (socket, message) => {
  if (message.type === 'open') send(socket, { type: 'opened', source: size, preview: size })
  sendPreview(socket, message.type === 'change' ? message.sequence : 0)
}

export async function openLivePreview(
  scope: AsyncDisposableStack,
  respond: Respond,
  { imageId = null as string | null, isEnabled = true, pauseMs = 10 } = {},
) {
  const messages: ClientMessage[] = []
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
        const message = clientMessage.parse(JSON.parse(String(text)))
        messages.push(message)
        respond(socket, message, messages.filter(({ type }) => type === 'open').length)
      },
    },
  })
  scope.defer(() => server.stop(true))

  const client = openHttp({ url: server.url.href })
  const source = {
    url: 'blob:one',
    file: new Blob(['image']),
    format: 'jpeg',
    isDecodable: true,
    imageId,
  } as unknown as SelectedImage
  const current = signal<SelectedImage | null>(source)
  const selection = {
    current,
    refusal: signal(null),
    setStored(image: { id: string } | null) {
      if (current.value) current.value = { ...current.value, imageId: image?.id ?? null }
    },
  } as unknown as ImageSelection
  const pageServer = createServer(client, { token: () => null, ask: async () => null })
  await pageServer.loadOperations()
  const initial = { text: 'resize:100', steps: [{ op: 'resize', width: 100 }] }
  const editor = createRecipeEditor(pageServer, signal(await loadRecipeParser()), initial)
  const isTaskUpToDate = signal(false)
  const decoded: string[] = []
  const errors: unknown[] = []
  const stored = new Map(isEnabled ? [] : [['pixelflow.live', 'off']])
  const page = Object.assign(new EventTarget(), {
    localStorage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
      removeItem: (key: string) => stored.delete(key),
    },
  })
  const live = createLivePreview({
    client,
    selection,
    uploads: createUploads(client, selection),
    editor,
    credentials: {
      current: signal(null),
      token: () => null,
      ask: async () => null,
    } as unknown as TabCredentials,
    isTaskUpToDate,
    decodeImage: async (url) => decoded.push(await (await fetch(url)).text()),
    page: page as unknown as Window,
    reportErrors: (work) => void work.catch((thrown: unknown) => errors.push(thrown)),
    firstPauseMs: pauseMs,
  })
  const states: string[] = []
  scope.defer(effect(() => void states.push(live.state.value)))
  scope.defer(() => expect(errors).toEqual([]))
  scope.defer(() => void (current.value = null))
  return {
    live,
    editor,
    current,
    isTaskUpToDate,
    messages,
    uploads,
    decoded,
    states,
    page,
    stored,
    sockets: () => sockets,
  }
}
