import { Fault } from '@pixelflow/core/fault'
import { format } from '@pixelflow/core/format'
import {
  maxFrameBytes,
  transformResult,
  type TransformRequest,
  type TransformResult,
} from '@pixelflow/core/transform-request'
import { totalLength, rechunk } from '@pixelflow/core/concat-bytes'
import type { Session } from '@pixelflow/core/ports/sessions'
import type { Principal } from '@pixelflow/core/principal'
import type { InlineProcessing, Ports } from '../ports.ts'
import type { OutputRequest, ProcessResult } from './process-image.ts'
import type { ReceivedImage } from '../images/receive-image.ts'

/** Actors that may be lost at one picture: a second one need not be the picture's victim, a third would be. */
const mostTries = 2
/** A result up to here is taken in at once, so that its actor is free whatever the client does. */
const largestHeld = 4 * 2 ** 20
/** How long somebody who reads a larger one may pause. */
const longestPauseMs = 30_000

interface Picture extends ReceivedImage {
  readonly parts: readonly Uint8Array[]
}

/** Has an actor process a picture that is in memory. */
export function processLive({ sessions, inline }: Pick<Ports, 'sessions' | 'inline'>) {
  return async (
    who: Principal,
    picture: Picture,
    order: OutputRequest,
    signal: AbortSignal,
  ): Promise<ProcessResult> => {
    const opening: TransformRequest = {
      account: who.account,
      format: picture.format,
      width: picture.width,
      height: picture.height,
      bytes: totalLength(picture.parts),
      ...order,
    }
    for (let tries = 1; ; tries += 1) {
      const session = await sessions.open('transform', opening, signal, who.account)
      try {
        return await converse(session, picture.parts, order.output, inline, signal)
      } catch (thrown) {
        await session[Symbol.asyncDispose]()
        signal.throwIfAborted()
        // The surroundings are to blame: elsewhere it may succeed, and the picture is still here.
        if (!Fault.of(thrown).row.retryable || tries === mostTries) throw thrown
      }
    }
  }
}

async function converse(
  session: Session,
  parts: readonly Uint8Array[],
  output: string,
  inline: InlineProcessing,
  signal: AbortSignal,
): Promise<ProcessResult> {
  // What goes wrong with it goes wrong with the reading, too.
  give(session, parts).catch(() => {})
  const first = await session.next(signal)
  if (first === null) throw new Fault('internal', 'The actor has given no result.')
  const result = transformResult.parse(first.head)
  if (result.bytes > largestHeld || !inline.memory.tryTake(result.bytes))
    return streamed(session, result, output, first.body)
  const giveBack = () => inline.memory.give(result.bytes)
  try {
    const pieces = await Array.fromAsync(rest(session, result, first.body, signal))
    await session[Symbol.asyncDispose]()
    return processed(result, output, pieces, giveBack)
  } catch (thrown) {
    giveBack()
    throw thrown
  }
}

async function give(session: Session, parts: readonly Uint8Array[]): Promise<void> {
  for (const piece of rechunk(parts, maxFrameBytes)) await session.send(null, piece)
  await session.finish()
}

/** The bytes of the result; whole, or it throws. */
async function* rest(session: Session, { bytes }: TransformResult, first: Uint8Array, signal?: AbortSignal) {
  yield first
  let left = bytes - first.length
  for (let frame = await session.next(signal); frame !== null; frame = await session.next(signal)) {
    left -= frame.body.length
    yield frame.body
  }
  if (left !== 0) throw new Fault('internal', 'The result did not arrive whole.')
}

/** A result that is read from its actor as it is taken. */
function streamed(
  session: Session,
  result: TransformResult,
  output: string,
  first: Uint8Array,
): ProcessResult {
  const leave = () => session[Symbol.asyncDispose]()
  const late = () => void leave()
  let patience = setTimeout(late, longestPauseMs)
  async function* body() {
    for await (const piece of rest(session, result, first)) {
      clearTimeout(patience)
      patience = setTimeout(late, longestPauseMs)
      yield piece
    }
  }
  return processed(result, output, body(), async () => {
    clearTimeout(patience)
    await leave()
  })
}

function processed(
  { format: written, width, height, bytes, sha256 }: TransformResult,
  output: string,
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  dispose: () => void | Promise<void>,
): ProcessResult {
  const { mediaType, extensions } = format(written)
  let isOver = false
  return {
    format: written,
    width,
    height,
    output,
    bytes,
    sha256,
    mediaType,
    fileName: `image.${extensions[0]}`,
    open: async () => each(body),
    async [Symbol.asyncDispose]() {
      if (isOver) return
      isOver = true
      await dispose()
    },
  }
}

async function* each(
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  yield* body
}
