import { Fault } from '@pixelflow/core/fault'
import type { Server } from 'bun'
import { createGcTrigger } from '../../delivery/gc-trigger.ts'
import { requireBoundedJson, largestJsonBytes, type StructureCode } from '@pixelflow/core/json-bounds'
import type { MemoryReservation } from '../../limits/request-memory.ts'
import { createByteBuffer } from '../../limits/byte-buffer.ts'
import { pausedUpload, truncatedUpload } from '../../images/receive-image.ts'
import { heldBytesOf } from './request-context.ts'

/**
 * What Bun takes of a body before it holds its client back: measured 1 MiB and more where nobody reads, much less where
 * somebody does. Shorter bodies are taken whole. It cannot be set, and no upstream issue is known: Bun holds clients back
 * since https://github.com/oven-sh/bun/pull/36006. Remove the charge when the server can be told how much to read ahead.
 */
const aheadBytes = 512 * 1024

/**
 * The body of a request, pulled: the client is held back until the next piece is asked for. Leaving early frees it.
 * @param charge what is charged with the bytes that wait to be pulled
 * @throws Fault `truncated_upload` when the client goes away in the middle or pauses for too long, `overloaded`.
 */
export async function* readBody(
  request: Request,
  alive?: IdleTimeout,
  charge: () => MemoryReservation = () => heldBytesOf(request),
): AsyncGenerator<Uint8Array, void> {
  if (request.body === null) return
  const held = charge()
  const ahead = Math.min(contentLengthOf(request) ?? aheadBytes, aheadBytes)
  held.take(ahead)
  const reader = request.body.getReader()
  const sweep = createGcTrigger()
  let isOver = false
  try {
    while (!isOver) {
      const { done, value } = await within(alive?.pauseMs, reader.read()).catch((cause: unknown) => {
        if (cause instanceof Fault) throw cause
        isOver = true
        throw truncatedUpload(cause)
      })
      isOver = done
      if (!value) continue
      alive?.()
      yield value
      sweep(value.length)
    }
  } finally {
    // Not waited for where the client sends nothing: it would never come.
    if (!isOver) void reader.cancel().catch(() => {})
    reader.releaseLock()
    held.give(ahead)
  }
}

/** @throws Fault `truncated_upload` when the piece does not come in time. */
async function within<T>(pauseMs: number | undefined, piece: Promise<T>): Promise<T> {
  if (pauseMs === undefined) return piece
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(pausedUpload(pauseMs)), pauseMs)
  try {
    return await Promise.race([piece, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** The content type without parameters, in lower case; null when there is none. */
export function mediaTypeOf(request: Request): string | null {
  return request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() || null
}

/** The promised length of a body; null when none is promised. */
export function contentLengthOf(request: Request): number | null {
  const length = request.headers.get('content-length')
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null
}

/** To be called for each sign of life of a client. */
export interface IdleTimeout {
  (): void
  /** How long it may pause. */
  readonly pauseMs?: number
}

/** How long the server's own timeout comes after ours: what was stored of an upload is removed before it is answered. */
const afterSeconds = 60

/**
 * Lets the client pause for so long and no longer; then the request is answered. The server's own timeout only closes the
 * connection, and wants 16 kB a second on average; so it comes later, and each piece that arrives winds it up again.
 */
export function startIdleTimeout(
  server: Server<unknown> | null,
  request: Request,
  pauseMs: number,
): IdleTimeout {
  // It counts to 255 s; the setting for `pauseMs` leaves room for that.
  const seconds = Math.ceil(pauseMs / 1000) + afterSeconds
  let woundAt = -Infinity
  const alive = () => {
    const now = performance.now()
    if (now - woundAt < 500) return
    woundAt = now
    server?.timeout(request, seconds)
  }
  alive()
  return Object.assign(alive, { pauseMs })
}

const encoder = new TextEncoder()

/**
 * JSON within bounds in which no key is `__proto__`: schemas pass over it in silence, and everything unknown is to be
 * refused.
 * @throws Fault of that code for what is out of bounds; SyntaxError.
 */
export function parseJson(text: string, code?: StructureCode): unknown {
  requireBoundedJson(encoder.encode(text), code)
  return JSON.parse(text, (key, value: unknown) => {
    if (key === '__proto__') throw new SyntaxError('a key must not be "__proto__"')
    return value
  }) as unknown
}

/** @throws Fault `invalid_request` for what is too long or no JSON, `truncated_upload`. */
export async function readJson(request: Request, alive?: IdleTimeout): Promise<unknown> {
  const buffer = createByteBuffer(heldBytesOf(request))
  let bytes = 0
  for await (const piece of readBody(request, alive)) {
    bytes += piece.length
    if (bytes > largestJsonBytes)
      throw new Fault('invalid_request', `The body must be at most ${largestJsonBytes} bytes of JSON.`, {
        remedy: 'Send a smaller body.',
      })
    buffer.append(piece)
  }
  if (bytes < (contentLengthOf(request) ?? 0)) throw truncatedUpload()
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(buffer.finish()))
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const detail =
      bytes === 0
        ? 'The body is empty; JSON was expected.'
        : `The body is not JSON: ${(cause as Error).message}.`
    throw new Fault('invalid_request', detail, {
      remedy: 'Send one JSON value in UTF-8.',
      cause,
    })
  }
}
