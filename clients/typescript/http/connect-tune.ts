import { bearerProtocol, closeCodes, tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { PixelflowError, unreachableError } from '../pixelflow-error.ts'
import type { TuneServerMessage, TuneListener, TuneConnection, TunePreview } from '../tuning.ts'

/** As much of a WebSocket as is used. */
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
  if (Socket === undefined) throw new TypeError('This platform has no WebSocket: give one as `webSocket`.')
  return new Socket(url, protocols)
}

export interface ConnectTuneOptions {
  /** Base address; empty for the page's own server. */
  readonly address: string
  readonly token: string | null
  readonly socket: SocketFactory
}

/** How long saying goodbye may take. */
const farewellMs = 2000

/** A session's WebSocket. Frames are JSON; a preview's file follows it in a binary one. */
export function connectTune(
  { address, token, socket: make }: ConnectTuneOptions,
  ear: TuneListener,
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
      if (about) ear.heard({ ...about, file: new Uint8Array(data as ArrayBuffer) })
      about = undefined
      return
    }
    const one = JSON.parse(data) as TuneServerMessage
    if (one.type === 'preview') about = one
    else ear.heard(one)
  })
  const leave = () => {
    ear.ended(signal?.reason)
    socket.close(closeCodes.done)
  }
  signal?.addEventListener('abort', leave, { once: true })
  // What has gone wrong is said by `close`, which follows.
  socket.addEventListener('error', () => {})
  socket.addEventListener('close', ({ code, reason }) => {
    closed.resolve()
    signal?.removeEventListener('abort', leave)
    ear.ended(endOf(code, reason, address))
  })

  return {
    say(said) {
      const text = JSON.stringify(said)
      if (socket.readyState === 0) waiting.push(text)
      else socket.send(text)
    },
    async close() {
      socket.close(closeCodes.done)
      const timer = setTimeout(closed.resolve, farewellMs)
      await closed.promise
      clearTimeout(timer)
    },
  }
}

function socketUrl(address: string): string {
  const { href = '' } = (globalThis as { location?: { href?: string } }).location ?? {}
  return new URL(tunePath, address === '' ? href : address).href.replace(/^http/, 'ws')
}

/** What a code says when no words came before it. */
function endOf(code: number, reason: string, address: string): unknown {
  if (code === closeCodes.done) return undefined
  if (code === closeCodes.restart || code === closeCodes.tryLater)
    return new PixelflowError(
      'unavailable',
      reason || 'The server stops, or nobody can make previews just now.',
    )
  if (code === closeCodes.refused)
    return new PixelflowError('forbidden', reason || 'The session was refused.')
  return unreachableError(address, new Error(`WebSocket closed with ${code} ${reason}`))
}
