import { serverMessage, type ServerMessage, type PreviewMessage } from '@pixelflow/core/tune/server-message'
import type { ClientMessageInput } from '@pixelflow/core/tune/client-message'
import { tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { createNotifier } from '@pixelflow/core/notifier'

export interface SocketOptions {
  readonly protocols?: string[]
  readonly headers?: Record<string, string>
}

interface CloseFrame {
  readonly code: number
  readonly reason: string
}

interface ReceivedMessage {
  readonly message: ServerMessage
  /** The binary frame after a preview. */
  readonly file?: Uint8Array
}

const receiveTimeoutMs = 20_000

/** A client of a tuning session over a WebSocket. */
export function openTuneSocket(url: string, options: SocketOptions = { protocols: [tuneProtocol] }) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/tune`, options)
  socket.binaryType = 'arraybuffer'
  const received: ReceivedMessage[] = []
  const closing = Promise.withResolvers<CloseFrame>()
  const changed = createNotifier()
  let pendingPreview: PreviewMessage | undefined
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data !== 'string') {
      if (pendingPreview?.bytes !== data.byteLength)
        throw new Error('a binary frame without its preview message')
      received.push({ message: pendingPreview, file: new Uint8Array(data) })
      pendingPreview = undefined
    } else {
      const message = serverMessage.parse(JSON.parse(data))
      if (message.type === 'preview') pendingPreview = message
      else received.push({ message })
    }
    changed.notify()
  })
  let closeFrame: CloseFrame | undefined
  socket.addEventListener('close', ({ code, reason }) => {
    closeFrame = { code, reason }
    closing.resolve(closeFrame)
    changed.notify()
  })
  async function next(): Promise<ReceivedMessage> {
    for (const deadline = Date.now() + receiveTimeoutMs; Date.now() < deadline;) {
      const [first] = received.splice(0, 1)
      if (first !== undefined) return first
      if (closeFrame) throw new Error(`the socket was closed: ${JSON.stringify(closeFrame)}`)
      await changed.wait({ timeoutMs: deadline - Date.now() })
    }
    throw new Error(`no message within ${receiveTimeoutMs} ms`)
  }
  /** Skips messages until one of this type. */
  async function receive<T extends ServerMessage['type']>(type: T) {
    for (;;) {
      const { message, file } = await next()
      if (message.type === type) return { ...(message as Extract<ServerMessage, { type: T }>), file }
    }
  }
  return {
    socket,
    closed: closing.promise,
    next,
    receive,
    opened: new Promise((resolve) => socket.addEventListener('open', resolve)),
    async send(...messages: (ClientMessageInput | string)[]) {
      await this.opened
      for (const one of messages) socket.send(typeof one === 'string' ? one : JSON.stringify(one))
    },
    /** Receives `applied` and the preview with this sequence number, in any order. */
    async receiveApplied(sequence: number) {
      let applied: Extract<ServerMessage, { type: 'applied' }> | undefined
      let preview: PreviewMessage | undefined
      while (applied === undefined || preview === undefined) {
        const { message } = await next()
        if (message.type === 'applied') applied = message
        if (message.type === 'preview' && message.sequence === sequence) preview = message
      }
      return { applied, preview }
    },
    /** Skips messages until the preview with this sequence number. */
    async preview(sequence: number) {
      for (;;) {
        const preview = await receive('preview')
        if (preview.sequence === sequence) return preview
      }
    },
  }
}
