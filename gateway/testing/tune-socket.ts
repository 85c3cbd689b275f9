import { serverMessage, type ServerMessage, type PreviewMessage } from '@pixelflow/core/tune/server-message'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import { tuneProtocol } from '@pixelflow/core/tune/tune-protocol'

export interface SocketOptions {
  readonly protocols?: string[]
  readonly headers?: Record<string, string>
}

interface Closed {
  readonly code: number
  readonly reason: string
}

interface Told {
  readonly heard: ServerMessage
  readonly file?: Uint8Array
}

/** A tuning session over a WebSocket, as a client sees it. Only tests use this. */
export function openTuneSocket(url: string, options: SocketOptions = { protocols: [tuneProtocol] }) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/tune`, options)
  socket.binaryType = 'arraybuffer'
  const told: Told[] = []
  const closing = Promise.withResolvers<Closed>()
  let head: PreviewMessage | undefined
  let wake = () => {}
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== 'string') {
      if (head?.bytes !== data.byteLength) throw new Error('bytes without their head')
      told.push({ heard: head, file: new Uint8Array(data) })
      head = undefined
    } else {
      const heard = serverMessage.parse(JSON.parse(data))
      if (heard.type === 'preview') head = heard
      else told.push({ heard })
    }
    wake()
  })
  socket.addEventListener('close', ({ code, reason }) => {
    closing.resolve({ code, reason })
    wake()
  })
  let isClosed = false
  void closing.promise.then(() => (isClosed = true))
  async function next(): Promise<Told> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline;) {
      const [first] = told.splice(0, 1)
      if (first !== undefined) return first
      if (isClosed) throw new Error(`closed: ${JSON.stringify(await closing.promise)}`)
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), Bun.sleep(1000)])
    }
    throw new Error('nothing was heard')
  }
  async function hear<T extends ServerMessage['type']>(type: T) {
    for (;;) {
      const { heard, file } = await next()
      if (heard.type === type) return { ...(heard as Extract<ServerMessage, { type: T }>), file }
    }
  }
  return {
    socket,
    closed: closing.promise,
    next,
    hear,
    opened: new Promise((resolve) => socket.addEventListener('open', resolve)),
    async say(...said: (ClientMessageInput | string)[]) {
      await this.opened
      for (const one of said) socket.send(typeof one === 'string' ? one : JSON.stringify(one))
    },
    /** That it was applied, and the preview of a change, in whichever order. */
    async both(wanted: number) {
      let applied: Extract<ServerMessage, { type: 'applied' }> | undefined
      let preview: PreviewMessage | undefined
      while (applied === undefined || preview === undefined) {
        const { heard } = await next()
        if (heard.type === 'applied') applied = heard
        if (heard.type === 'preview' && heard.sequence === wanted) preview = heard
      }
      return { applied, preview }
    },
    async preview(sequence: number) {
      for (;;) {
        const preview = await hear('preview')
        if (preview.sequence === sequence) return preview
      }
    },
  }
}
