import { Fault } from '@pixelflow/core/fault'
import { allowFree } from '@pixelflow/core/free-bytes'
import { createGcTrigger } from '../../delivery/gc-trigger.ts'
import { requireBoundedJson, largestJsonBytes, type StructureCode } from '@pixelflow/core/json-bounds'
import type { MemoryReservation } from '../../limits/request-memory.ts'
import { createByteBuffer } from '../../limits/byte-buffer.ts'
import { pausedUpload, truncatedUpload } from '../../images/receive-image.ts'
import { watchPause } from './watch-pause.ts'
import { reservationOf } from './request-context.ts'

/**
 * Memory charged for what Bun 1.4.5 reads ahead of a body before it applies backpressure. Measured: 1 MiB and more when the
 * body is not read, much less when it is. Shorter bodies are read completely. Bun applies backpressure since
 * https://github.com/oven-sh/bun/pull/36006, but has no setting for this amount, and no upstream issue is known. Remove the
 * charge when it has one; `read-body.test.ts` tests that a body is charged.
 */
const readAheadBytes = 512 * 1024

/** Restarts the idle timeout of an upload; called for each piece that arrives. */
export interface IdleTimeout {
  (): void
  /** How long the client may pause. */
  readonly pauseMs?: number
}

/**
 * Reads the body of a request with backpressure: each piece is read from the socket when it is asked for. Ending the
 * iteration early cancels the body. A consumer that has copied a piece frees it with `freeBytes`.
 * @param reserve opens the memory reservation that is charged for the bytes read ahead
 * @throws Fault `truncated_upload` when the client disconnects early or pauses for too long, `overloaded`.
 */
export async function* readBody(
  request: Request,
  idleTimeout?: IdleTimeout,
  reserve: () => MemoryReservation = () => reservationOf(request),
): AsyncGenerator<Uint8Array, void> {
  if (request.body === null) return
  const reservation = reserve()
  const ahead = Math.min(contentLengthOf(request) ?? readAheadBytes, readAheadBytes)
  reservation.acquire(ahead)
  const reader = request.body.getReader()
  const countForGc = createGcTrigger()
  using pause = watchPause(idleTimeout?.pauseMs, () => reader.releaseLock())
  let isOver = false
  try {
    while (!isOver) {
      pause.begin()
      const { done, value } = await reader.read().catch((cause: unknown) => {
        if (pause.isTooLong) throw pausedUpload(idleTimeout?.pauseMs ?? 0)
        isOver = true
        throw truncatedUpload(cause)
      })
      pause.end()
      isOver = done
      if (!value) continue
      idleTimeout?.()
      allowFree(value)
      yield value
      // 0 when the consumer has freed the piece.
      countForGc(value.length)
    }
  } finally {
    // Not awaited: cancel() does not resolve while the client sends nothing.
    if (!pause.isTooLong) reader.releaseLock()
    if (!isOver) void request.body.cancel().catch(() => {})
    reservation.release(ahead)
  }
}

/** The media type of the Content-Type header, without parameters and in lower case; null without the header. */
export function mediaTypeOf(request: Request): string | null {
  return request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() || null
}

/** The Content-Length; null when it is missing or invalid. */
export function contentLengthOf(request: Request): number | null {
  const length = request.headers.get('content-length')
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null
}

const encoder = new TextEncoder()

/**
 * Parses JSON within the structural bounds. Refuses the key `__proto__`: zod ignores it, and unknown keys must be errors.
 * @throws Fault with `code` for JSON beyond the bounds; SyntaxError.
 */
export function parseJson(text: string, code?: StructureCode): unknown {
  requireBoundedJson(encoder.encode(text), code)
  return JSON.parse(text, (key, value: unknown) => {
    if (key === '__proto__') throw new SyntaxError('the key "__proto__" is not allowed')
    return value
  }) as unknown
}

/** @throws Fault `invalid_request` for a body that is too long or not JSON, `truncated_upload`. */
export async function readJson(
  request: Request,
  idleTimeout?: IdleTimeout,
  maxBytes = largestJsonBytes,
): Promise<unknown> {
  const buffer = createByteBuffer(reservationOf(request))
  let bytes = 0
  for await (const piece of readBody(request, idleTimeout)) {
    bytes += piece.length
    if (bytes > maxBytes)
      throw new Fault('invalid_request', `The JSON body is longer than ${maxBytes} bytes.`, {
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
      bytes === 0 ? 'The body is empty, expected JSON.' : `The body is not JSON: ${(cause as Error).message}.`
    throw new Fault('invalid_request', detail, {
      remedy: 'Send one JSON value in UTF-8.',
      cause,
    })
  }
}
