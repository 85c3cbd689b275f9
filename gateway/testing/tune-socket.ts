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
  /** Skips messages until one is accepted. One deadline holds for the whole wait. */
  async function waitForMessage(
    what: string,
    accept: (message: ServerMessage) => boolean,
  ): Promise<ReceivedMessage> {
    const skipped: ServerMessage[] = []
    for (const deadline = Date.now() + receiveTimeoutMs; Date.now() < deadline;) {
      const [first] = received.splice(0, 1)
      if (first !== undefined) {
        if (accept(first.message)) return first
        skipped.push(first.message)
        continue
      }
      if (closeFrame) throw new Error(`${what}: the socket was closed: ${JSON.stringify(closeFrame)}`)
      await changed.wait({ timeoutMs: deadline - Date.now() })
    }
    const last = JSON.stringify(skipped.at(-1))
    throw new Error(
      `${what}: not within ${receiveTimeoutMs} ms; skipped ${skipped.length} messages, last saw ${last}`,
    )
  }
  const next = () => waitForMessage('any message', () => true)
  /** Skips messages until one of this type. */
  async function receive<T extends ServerMessage['type']>(type: T) {
    const { message, file } = await waitForMessage(type, (one) => one.type === type)
    return { ...(message as Extract<ServerMessage, { type: T }>), file }
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
      const seen: {
        applied?: Extract<ServerMessage, { type: 'applied' }>
        preview?: PreviewMessage
      } = {}
      await waitForMessage(`applied and preview ${sequence}`, (message) => {
        if (message.type === 'applied') seen.applied = message
        if (message.type === 'preview' && message.sequence === sequence) seen.preview = message
        return seen.applied !== undefined && seen.preview !== undefined
      })
      const { applied, preview } = seen
      if (!applied || !preview) throw new Error('the wait ended without both messages')
      return { applied, preview }
    },
    /** Skips messages until the preview with this sequence number. */
    async preview(sequence: number) {
      const { message, file } = await waitForMessage(
        `preview ${sequence}`,
        (one) => one.type === 'preview' && one.sequence === sequence,
      )
      return { ...(message as PreviewMessage), file }
    },
  }
}
