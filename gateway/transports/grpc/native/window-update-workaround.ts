import type { Http2Server, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FrameBudget, FrameHead } from './frame-budget.ts'
import { createHeaderBlockFilter } from './header-block-filter.ts'
import { createReadScheduler, type ReadScheduler } from './read-scheduler.ts'

const prefaceBytes = 24
const headerBytes = 9
const firstWindow = 65_535
const largestWindow = 0x7fff_ffff
/** Longer ones hold nothing that we know of. */
const longestSettings = 1024
const type = { headers: 1, reset: 3, settings: 4, windowUpdate: 8, continuation: 9 } as const
const flag = { ack: 1, endHeaders: 4 } as const
const initialWindowSize = 4

/** What we give of a client's bytes to Bun, piece by piece. */
type Pass = (bytes: Uint8Array) => void

/** Where a session finds what reads along with it. */
const along = Symbol('credit')

/**
 * Lets responses go on when a client changes its window in mid-stream, as Go's does when it has measured the line: Bun
 * forgets then what the client has granted before, and both wait for each other for ever. The change is therefore told
 * to Bun as what it means, more credit for each stream. For that we read the frames before it does, on the socket
 * instead of underneath it, which costs nothing that could be measured. Header blocks that Bun would end the connection
 * for are mended on the way (`header-block-filter.ts`).
 */
export function installWindowUpdateWorkaround(
  server: Http2Server,
  limitOf: (socket: Socket) => FrameLimit | undefined = () => undefined,
  scheduler: ReadScheduler = createReadScheduler(),
): void {
  const readAlong = (socket: Socket) => {
    const limit = limitOf(socket)
    const credit = createWindowUpdateFilter(limit)
    const blocks = createHeaderBlockFilter(limit)
    Object.assign(socket, { [along]: { credit, limit } })
    const inside = Object.getOwnPropertyDescriptor(socket, '_handle')
    Object.defineProperty(socket, '_handle', { value: undefined, configurable: true, writable: true })
    socket.on = (event: string, listener: (...given: never[]) => void) => {
      if (event !== 'data') return Object.getPrototypeOf(socket).on.call(socket, event, listener) as Socket
      Reflect.deleteProperty(socket, 'on')
      Reflect.deleteProperty(socket, '_handle')
      if (inside) Object.defineProperty(socket, '_handle', inside)
      const pass = listener as unknown as Pass
      const toCredit: Pass = (bytes) => credit.read(bytes, pass)
      const reads = scheduler.connect(socket, (bytes) => {
        blocks.read(bytes, toCredit)
        if (limit?.isOver) reads.stop()
      })
      return socket.on('data', reads.push)
    }
  }
  server.prependListener('setSecureContext' in server ? 'secureConnection' : 'connection', readAlong)
  server.on('session', (session: ServerHttp2Session) => {
    // One whose client has left by now has no socket any more.
    const read = (session.socket as { [along]?: Along } | undefined)?.[along]
    read?.limit?.began(session)
    session.on('stream', (stream) => void stream.once('close', () => read?.credit.closed(stream.id ?? 0)))
  })
}

/** Decides about the frames of a connection before they are read by anybody else. */
export interface FrameLimit extends Pick<FrameBudget, 'completed'> {
  /** The connection has a session; frames are read from now on. */
  began(session: ServerHttp2Session): void
  /** Whether the connection goes on. Nothing of it is read any more once it does not. */
  allows(frame: FrameHead): boolean
  /** Ends the connection. */
  end(why: string): void
  /** Whether the connection was ended. */
  readonly isOver: boolean
}

interface Along {
  readonly credit: Credit
  readonly limit: FrameLimit | undefined
}

interface Credit {
  read(bytes: Uint8Array, pass: Pass): void
  closed(stream: number): void
}

/** Reads the frames of one connection as they come, and changes what Bun would get wrong. */
export function createWindowUpdateFilter(limit?: FrameLimit): Credit {
  const open = new Set<number>()
  let newest = 0
  /** What Bun takes for the window of a new stream, and what it is. */
  let told = firstWindow
  let window = firstWindow
  let isFirst = true
  let isOver = false

  /** Bytes of the frame under way that are of no interest. */
  let skip = prefaceBytes
  const header = new Uint8Array(headerBytes)
  /** A frame that is looked at as a whole. */
  let held: Uint8Array | undefined
  /** How much there is of the header, or of what is held. */
  let filled = 0
  /** Whether the headers under way open a stream. */
  let isOpening = false
  /** What is to follow the frame under way. */
  let after: Uint8Array | undefined

  /** Looks at the header of a frame. */
  const begin = (): void => {
    const view = new DataView(header.buffer)
    const length = view.getUint32(0) >>> 8
    const kind = view.getUint8(3)
    const flags = view.getUint8(4)
    const stream = view.getUint32(5) & largestWindow
    const head = { type: kind, flags, length, stream, isOpen: open.has(stream) }
    if (limit?.allows({ ...head, isOpening: kind === type.headers && stream > newest }) === false) {
      isOver = true
      return
    }
    // What the client does not want any more is granted nothing.
    if (kind === type.reset) open.delete(stream)
    if (kind === type.settings && !(flags & flag.ack) && length > 0 && length <= longestSettings) {
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
      if (window > told) after = grants([newest], window - told)
    }
  }

  /** What Bun is to read instead of a frame of settings. */
  const settled = (frame: Uint8Array): Uint8Array[] => {
    const wanted = windowIn(frame)
    const grown = (wanted ?? window) - window
    const wasFirst = isFirst
    isFirst = false
    if (wanted === undefined || wanted > largestWindow) return [frame]
    window = wanted
    if (wasFirst || grown < 0) {
      told = wanted
      return [frame]
    }
    if (grown === 0) return [withoutWindow(frame)]
    return [withoutWindow(frame), grants([...open], grown)]
  }

  return {
    closed(stream) {
      if (open.delete(stream)) limit?.completed()
    },
    read(bytes, pass) {
      if (isOver) return
      /** Up to where it has been passed on. */
      let passed = 0
      let at = 0
      const passTo = (end: number) => {
        if (end > passed) pass(passed === 0 && end === bytes.length ? bytes : bytes.subarray(passed, end))
        passed = end
      }
      const finish = () => {
        if (skip > 0 || after === undefined) return
        passTo(at)
        pass(after)
        after = undefined
      }
      while (at < bytes.length) {
        if (skip > 0) {
          const step = Math.min(skip, bytes.length - at)
          skip -= step
          at += step
          finish()
        } else if (held === undefined) {
          const from = at
          const step = Math.min(headerBytes - filled, bytes.length - at)
          header.set(bytes.subarray(at, at + step), filled)
          filled += step
          at += step
          const isWhole = filled === headerBytes
          if (isWhole) {
            filled = 0
            begin()
            if (isOver) return
          }
          // What may have to be changed is kept back from its first byte on.
          if (!isWhole || held !== undefined) {
            passTo(from)
            passed = at
          } else if (step < headerBytes) {
            pass(header.slice())
            passed = at
          }
          finish()
        } else {
          const step = Math.min(held.length - filled, bytes.length - at)
          held.set(bytes.subarray(at, at + step), filled)
          filled += step
          at += step
          passed = at
          if (filled < held.length) continue
          for (const one of settled(held)) pass(one)
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
  const made = new Uint8Array(headerBytes + 6 * kept.length)
  made.set(frame.subarray(0, headerBytes))
  new DataView(made.buffer).setUint16(1, 6 * kept.length)
  for (const [i, { at }] of kept.entries()) made.set(frame.subarray(at, at + 6), headerBytes + 6 * i)
  return made
}

/** MessagePool that grant so many bytes more to each stream. */
function grants(streams: readonly number[], bytes: number): Uint8Array {
  const made = new Uint8Array(13 * streams.length)
  const view = new DataView(made.buffer)
  for (const [i, stream] of streams.entries()) {
    view.setUint16(13 * i + 1, 4)
    view.setUint8(13 * i + 3, type.windowUpdate)
    view.setUint32(13 * i + 5, stream)
    view.setUint32(13 * i + 9, bytes)
  }
  return made
}
