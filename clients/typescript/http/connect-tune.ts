import { bearerProtocol, closeCodes, tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import type { TuneServerMessage, TuneListener, TuneConnection, TunePreview } from '../tuning.ts'

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
  readonly socket: SocketFactory
}

/** Longest time to wait for the close handshake, in milliseconds. */
const closeTimeoutMs = 2000

/** Opens the WebSocket of a session. Text frames carry JSON; a preview's file follows in a binary frame. */
export function connectTune(
  { address, token, socket: make }: ConnectTuneOptions,
  listener: TuneListener,
  signal: AbortSignal | undefined,
): TuneConnection {
  const socket = make(socketUrl(address), [tuneProtocol, ...(token === null ? [] : [bearerProtocol(token)])])
  socket.binaryType = 'arraybuffer'
  const waiting: string[] = []
  const closed = Promise.withResolvers<void>()
  let about: Omit<TunePreview, 'file'> | undefined

  socket.addEventListener('open', () => {
    for (const text of waiting.splice(0)) socket.send(text)
  })
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') {
      if (about) listener.onMessage({ ...about, file: new Uint8Array(data as ArrayBuffer) })
      about = undefined
      return
    }
    const one = JSON.parse(data) as TuneServerMessage
    if (one.type === 'preview') about = one
    else listener.onMessage(one)
  })
  const leave = () => {
    listener.onEnd(signal?.reason)
    socket.close(closeCodes.done)
  }
  signal?.addEventListener('abort', leave, { once: true })
  // The `close` event that follows has the reason.
  socket.addEventListener('error', () => {})
  socket.addEventListener('close', ({ code, reason }) => {
    closed.resolve()
    signal?.removeEventListener('abort', leave)
    listener.onEnd(endOf(code, reason, address))
  })

  return {
    send(message) {
      const text = JSON.stringify(message)
      if (socket.readyState === 0) waiting.push(text)
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

/** The error of a close code without a preceding `failed` message; undefined for a normal closure. */
function endOf(code: number, reason: string, address: string): unknown {
  if (code === closeCodes.done) return undefined
  if (code === closeCodes.restart || code === closeCodes.tryLater)
    return new PixelflowError(
      'unavailable',
      reason || 'The server is stopping, or no actor can render previews.',
    )
  if (code === closeCodes.refused)
    return new PixelflowError('forbidden', reason || 'The session was refused.')
  return unreachableError(address, new Error(`WebSocket closed with ${code} ${reason}`))
}
