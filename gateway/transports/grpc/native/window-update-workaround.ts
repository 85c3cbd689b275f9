import type { Http2Server, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FrameLimit } from './frame-limits.ts'
import { createHeaderBlockFilter } from './header-block-filter.ts'
import { createReadScheduler, type ReadScheduler } from './read-scheduler.ts'

const prefaceBytes = 24
const headerBytes = 9
const defaultWindow = 65_535
const maxWindow = 0x7fff_ffff
/** Longer SETTINGS frames pass unchanged: the settings that HTTP/2 defines need 36 bytes. */
const maxSettingsBytes = 1024
const type = { headers: 1, reset: 3, settings: 4, windowUpdate: 8, continuation: 9 } as const
const flag = { ack: 1, endHeaders: 4 } as const
const initialWindowSize = 4

/** Takes bytes of the client and hands them to Bun. */
type Pass = (bytes: Uint8Array) => void

/** Key of the filter state on a socket, for the session that is created later. */
const stateKey = Symbol('window update workaround')

/**
 * Filters the bytes of each connection before Bun's HTTP/2 parser reads them.
 *
 * Workaround for Bun 1.4.5: when a client raises SETTINGS_INITIAL_WINDOW_SIZE while a response is under way, Bun replaces
 * the send window of each open stream instead of adding the difference, and drops what WINDOW_UPDATE frames have granted
 * (RFC 9113, section 6.9.2). Go clients raise it when they have measured the bandwidth; both sides then wait for each
 * other without end. The filter removes the setting and sends Bun a WINDOW_UPDATE of the difference for each open stream.
 * It runs on the socket of `node:http2`, because a proxy in between would copy every byte.
 *
 * Upstream: https://github.com/oven-sh/bun/pull/41329. Remove it when `window-update-workaround.test.ts` passes without
 * it; `header-block-filter.ts`, the frame limits and the read scheduler then need another place to read the bytes.
 */
export function installWindowUpdateWorkaround(
  server: Http2Server,
  limitOf: (socket: Socket) => FrameLimit | undefined = () => undefined,
  scheduler: ReadScheduler = createReadScheduler(),
): void {
  const filterSocket = (socket: Socket) => {
    const limit = limitOf(socket)
    const filter = createWindowUpdateFilter(limit)
    const blocks = createHeaderBlockFilter(limit)
    Object.assign(socket, { [stateKey]: { filter, limit } })
    // Bun's session reads the native handle if the socket has one, and `data` events otherwise. Hiding the handle until the
    // session has subscribed makes it use `data` events, which this function can change.
    const handle = Object.getOwnPropertyDescriptor(socket, '_handle')
    Object.defineProperty(socket, '_handle', { value: undefined, configurable: true, writable: true })
    socket.on = (event: string, listener: (...given: never[]) => void) => {
      if (event !== 'data') return Object.getPrototypeOf(socket).on.call(socket, event, listener) as Socket
      Reflect.deleteProperty(socket, 'on')
      Reflect.deleteProperty(socket, '_handle')
      if (handle) Object.defineProperty(socket, '_handle', handle)
      const pass = listener as unknown as Pass
      const passFiltered: Pass = (bytes) => filter.read(bytes, pass)
      const reads = scheduler.connect(socket, (bytes) => {
        blocks.read(bytes, passFiltered)
        if (limit?.isEnded) reads.stop()
      })
      return socket.on('data', reads.push)
    }
  }
  server.prependListener('setSecureContext' in server ? 'secureConnection' : 'connection', filterSocket)
  server.on('session', (session: ServerHttp2Session) => {
    // The session of a client that has already disconnected has no socket.
    const state = (session.socket as { [stateKey]?: SocketState } | undefined)?.[stateKey]
    state?.limit?.sessionStarted(session)
    session.on(
      'stream',
      (stream) => void stream.once('close', () => state?.filter.markClosed(stream.id ?? 0)),
    )
  })
}

interface SocketState {
  readonly filter: WindowUpdateFilter
  readonly limit: FrameLimit | undefined
}

interface WindowUpdateFilter {
  read(bytes: Uint8Array, pass: Pass): void
  /** Records that the server has ended the stream. */
  markClosed(stream: number): void
}

/** Reads the frames of one connection as they arrive and replaces those that Bun would apply wrongly. */
export function createWindowUpdateFilter(limit?: FrameLimit): WindowUpdateFilter {
  const open = new Set<number>()
  let newest = 0
  /** The initial window of a new stream as Bun knows it, and as the client has set it. */
  let knownWindow = defaultWindow
  let window = defaultWindow
  let isFirst = true
  let isEnded = false

  /** Bytes until the next frame header. */
  let skip = prefaceBytes
  const header = new Uint8Array(headerBytes)
  /** A SETTINGS frame that is collected whole. */
  let held: Uint8Array | undefined
  /** Bytes of the header or of the held frame that have arrived. */
  let filled = 0
  /** Whether the current header block opens a stream. */
  let isOpening = false
  /** Bytes to insert after the current frame. */
  let inserted: Uint8Array | undefined

  const beginFrame = (): void => {
    const view = new DataView(header.buffer)
    const length = view.getUint32(0) >>> 8
    const kind = view.getUint8(3)
    const flags = view.getUint8(4)
    const stream = view.getUint32(5) & maxWindow
    const head = { type: kind, flags, length, stream, isOpen: open.has(stream) }
    if (limit?.allows({ ...head, isOpening: kind === type.headers && stream > newest }) === false) {
      isEnded = true
      return
    }
    // A stream that the client resets needs no further window.
    if (kind === type.reset) open.delete(stream)
    if (kind === type.settings && !(flags & flag.ack) && length > 0 && length <= maxSettingsBytes) {
      held = new Uint8Array(headerBytes + length)
      held.set(header)
      filled = headerBytes
      return
    }
    skip = length
    if (kind === type.headers && stream > newest) {
      newest = stream
      open.add(stream)
      isOpening = true
    }
    if (isOpening && (kind === type.headers || kind === type.continuation) && flags & flag.endHeaders) {
      isOpening = false
      if (window > knownWindow) inserted = windowUpdates([newest], window - knownWindow)
    }
  }

  /** What Bun reads instead of a SETTINGS frame. */
  const rewriteSettings = (frame: Uint8Array): Uint8Array[] => {
    const wanted = windowIn(frame)
    const growth = (wanted ?? window) - window
    const wasFirst = isFirst
    isFirst = false
    if (wanted === undefined || wanted > maxWindow) return [frame]
    window = wanted
    if (wasFirst || growth < 0) {
      knownWindow = wanted
      return [frame]
    }
    if (growth === 0) return [withoutWindow(frame)]
    return [withoutWindow(frame), windowUpdates([...open], growth)]
  }

  return {
    markClosed(stream) {
      if (open.delete(stream)) limit?.countCompleted()
    },
    read(bytes, pass) {
      if (isEnded) return
      /** Bytes before this offset have been passed or replaced. */
      let passed = 0
      let at = 0
      const passTo = (end: number) => {
        if (end > passed) pass(passed === 0 && end === bytes.length ? bytes : bytes.subarray(passed, end))
        passed = end
      }
      const finishFrame = () => {
        if (skip > 0 || inserted === undefined) return
        passTo(at)
        pass(inserted)
        inserted = undefined
      }
      while (at < bytes.length) {
        if (skip > 0) {
          const step = Math.min(skip, bytes.length - at)
          skip -= step
          at += step
          finishFrame()
        } else if (held === undefined) {
          const from = at
          const step = Math.min(headerBytes - filled, bytes.length - at)
          header.set(bytes.subarray(at, at + step), filled)
          filled += step
          at += step
          const isWhole = filled === headerBytes
          if (isWhole) {
            filled = 0
            beginFrame()
            if (isEnded) return
          }
          // A frame that may be replaced is held back from its first byte.
          if (!isWhole || held !== undefined) {
            passTo(from)
            passed = at
          } else if (step < headerBytes) {
            pass(header.slice())
            passed = at
          }
          finishFrame()
        } else {
          const step = Math.min(held.length - filled, bytes.length - at)
          held.set(bytes.subarray(at, at + step), filled)
          filled += step
          at += step
          passed = at
          if (filled < held.length) continue
          for (const one of rewriteSettings(held)) pass(one)
          held = undefined
          filled = 0
        }
      }
      passTo(at)
    },
  }
}

function entriesOf(frame: Uint8Array): { at: number; id: number; value: number }[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const count = Math.floor((frame.length - headerBytes) / 6)
  return Array.from({ length: count }, (_, i) => {
    const at = headerBytes + 6 * i
    return { at, id: view.getUint16(at), value: view.getUint32(at + 2) }
  })
}

function windowIn(frame: Uint8Array): number | undefined {
  return entriesOf(frame).findLast(({ id }) => id === initialWindowSize)?.value
}

function withoutWindow(frame: Uint8Array): Uint8Array {
  const kept = entriesOf(frame).filter(({ id }) => id !== initialWindowSize)
  const rewritten = new Uint8Array(headerBytes + 6 * kept.length)
  rewritten.set(frame.subarray(0, headerBytes))
  new DataView(rewritten.buffer).setUint16(1, 6 * kept.length)
  for (const [i, { at }] of kept.entries()) rewritten.set(frame.subarray(at, at + 6), headerBytes + 6 * i)
  return rewritten
}

/** WINDOW_UPDATE frames that grant each stream this many more bytes. */
function windowUpdates(streams: readonly number[], bytes: number): Uint8Array {
  const frames = new Uint8Array(13 * streams.length)
  const view = new DataView(frames.buffer)
  for (const [i, stream] of streams.entries()) {
    view.setUint16(13 * i + 1, 4)
    view.setUint8(13 * i + 3, type.windowUpdate)
    view.setUint32(13 * i + 5, stream)
    view.setUint32(13 * i + 9, bytes)
  }
  return frames
}
