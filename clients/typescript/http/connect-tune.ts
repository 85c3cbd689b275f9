import { bearerProtocol, closeCodes, tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import type { TuneServerMessage, TuneListener, TuneSender, TunePreview } from '../tuning.ts'

/** The part of WebSocket that is used. */
export interface SocketLike {
  binaryType: string
  readonly readyState: number
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void
  send(text: string): void
  close(code?: number): void
}

export type SocketFactory = (url: string, protocols: string[]) => SocketLike

export const openGlobalSocket: SocketFactory = (url, protocols) => {
  const { WebSocket: Socket } = globalThis as {
    WebSocket?: new (url: string, protocols: string[]) => SocketLike
  }
  if (Socket === undefined) throw new TypeError('This platform has no WebSocket. Pass one as `webSocket`.')
  return new Socket(url, protocols)
}

export interface ConnectTuneOptions {
  /** Base address; empty for the page's own server. */
  readonly address: string
  readonly token: string | null
  readonly openSocket: SocketFactory
}

/** Longest time to wait for the close handshake, in milliseconds. */
const closeTimeoutMs = 2000

/** Opens the WebSocket of a session. Text messages carry JSON; the file of a preview follows in a binary message. */
export function connectTune(
  { address, token, openSocket }: ConnectTuneOptions,
  listener: TuneListener,
  signal: AbortSignal | undefined,
): TuneSender {
  const protocols = [tuneProtocol, ...(token === null ? [] : [bearerProtocol(token)])]
  const socket = openSocket(socketUrl(address), protocols)
  socket.binaryType = 'arraybuffer'
  const unsent: string[] = []
  const closed = Promise.withResolvers<void>()
  /** The preview whose file has not arrived yet. */
  let preview: Omit<TunePreview, 'file'> | undefined

  socket.addEventListener('open', () => {
    for (const text of unsent.splice(0)) socket.send(text)
  })
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') {
      if (preview) listener.onMessage({ ...preview, file: new Uint8Array(data as ArrayBuffer) })
      preview = undefined
      return
    }
    const message = JSON.parse(data) as TuneServerMessage
    if (message.type === 'preview') preview = message
    else listener.onMessage(message)
  })
  const abort = () => {
    listener.onEnd(signal?.reason)
    socket.close(closeCodes.done)
  }
  signal?.addEventListener('abort', abort, { once: true })
  // Ignored: the `close` event that follows has the reason.
  socket.addEventListener('error', () => {})
  socket.addEventListener('close', ({ code, reason }) => {
    closed.resolve()
    signal?.removeEventListener('abort', abort)
    listener.onEnd(closeError(code, reason, address))
  })

  return {
    send(message) {
      const text = JSON.stringify(message)
      if (socket.readyState === 0) unsent.push(text)
      else socket.send(text)
    },
    async close() {
      socket.close(closeCodes.done)
      const timer = setTimeout(closed.resolve, closeTimeoutMs)
      await closed.promise
      clearTimeout(timer)
    },
  }
}

function socketUrl(address: string): string {
  const { href = '' } = (globalThis as { location?: { href?: string } }).location ?? {}
  return new URL(tunePath, address === '' ? href : address).href.replace(/^http/, 'ws')
}

/** Converts a close code to an error; undefined for a normal closure. */
function closeError(code: number, reason: string, address: string): unknown {
  if (code === closeCodes.done) return undefined
  if (code === closeCodes.restart || code === closeCodes.tryLater)
    return new PixelflowError(
      'unavailable',
      reason || 'The session ended: the server is shutting down, or no actor can render previews.',
    )
  if (code === closeCodes.refused)
    return new PixelflowError('forbidden', reason || 'The server refused the session.')
  return unreachableError(address, new Error(`WebSocket closed with ${code} ${reason}`))
}
