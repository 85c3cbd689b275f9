import { Fault } from '@pixelflow/core/fault'
import { formatOf } from '@pixelflow/core/format'
import {
  maxFrameBytes,
  transformResult,
  type TransformRequest,
  type TransformResult,
} from '@pixelflow/core/transform-request'
import type { Session } from '@pixelflow/core/ports/sessions'
import type { Principal } from '@pixelflow/core/principal'
import { currentTraceparent, inSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import type { InlineProcessing, Ports } from '../ports.ts'
import type { ImageContent } from './image-buffer.ts'
import type { OutputRequest, ProcessedOutput } from './process-image.ts'
import type { ReceivedImage } from '../images/receive-image.ts'

/** One image may crash an actor, so it is not tried on more than two. */
const maxTries = 2
/** A smaller result is buffered, so that a slow client does not occupy the actor. */
const maxBufferedBytes = 4 * 2 ** 20
/** How long the reader of a larger result may pause. */
const maxPauseMs = 30_000

interface ImageInMemory extends ReceivedImage {
  readonly content: ImageContent
}

/** Processes an image that is in memory on an actor. */
export function processLive({ sessions, inline }: Pick<Ports, 'sessions' | 'inline'>) {
  return async (
    who: Principal,
    image: ImageInMemory,
    request: OutputRequest,
    signal: AbortSignal,
  ): Promise<ProcessedOutput> => {
    const opening: TransformRequest = {
      account: who.account,
      format: image.format,
      width: image.width,
      height: image.height,
      bytes: image.content.bytes,
      file: image.content.file,
      ...request,
      traceparent: currentTraceparent(),
    }
    for (let tries = 1; ; tries += 1) {
      const session = await inSpan('session wait', {}, () =>
        sessions.open('transform', opening, signal, who.account),
      )
      try {
        return await exchange(session, image.content, request.output, inline, signal)
      } catch (thrown) {
        await session[Symbol.asyncDispose]()
        signal.throwIfAborted()
        // A retryable fault may not occur on another actor, and the image is still in memory.
        if (!Fault.of(thrown).row.retryable || tries === maxTries) throw thrown
      }
    }
  }
}

async function exchange(
  session: Session,
  content: ImageContent,
  output: string,
  inline: InlineProcessing,
  signal: AbortSignal,
): Promise<ProcessedOutput> {
  // A failed send also fails the read below.
  sendImage(session, content).catch(() => {})
  const first = await session.next(signal)
  if (first === null) throw new Fault('internal', 'The actor ended the session without a result.')
  const result = transformResult.parse(first.head)
  if (result.bytes > maxBufferedBytes || !inline.memory.tryAcquire(result.bytes))
    return streamResult(session, result, output, first.body)
  const release = () => inline.memory.release(result.bytes)
  try {
    const pieces = await Array.fromAsync(resultBytes(session, result, first.body, signal))
    await session[Symbol.asyncDispose]()
    return toProcessedOutput(result, output, pieces, release)
  } catch (thrown) {
    release()
    throw thrown
  }
}

async function sendImage(session: Session, content: ImageContent): Promise<void> {
  // Else the actor is on this machine and reads the shared file.
  if (!session.wantsFrames) return
  for (const piece of content.pieces(maxFrameBytes)) await session.send(null, piece)
  await session.finish()
}

/** The bytes of the result. @throws Fault when some are missing. */
async function* resultBytes(
  session: Session,
  { bytes }: TransformResult,
  first: Uint8Array,
  signal?: AbortSignal,
) {
  yield first
  let left = bytes - first.length
  for (let frame = await session.next(signal); frame !== null; frame = await session.next(signal)) {
    left -= frame.body.length
    yield frame.body
  }
  if (left !== 0) throw new Fault('internal', 'The result of the actor is incomplete.')
}

/** A result that is read from its actor at the speed of the client. */
function streamResult(
  session: Session,
  result: TransformResult,
  output: string,
  first: Uint8Array,
): ProcessedOutput {
  const close = () => session[Symbol.asyncDispose]()
  const onPause = () => void close()
  let timer = setTimeout(onPause, maxPauseMs)
  async function* body() {
    for await (const piece of resultBytes(session, result, first)) {
      clearTimeout(timer)
      timer = setTimeout(onPause, maxPauseMs)
      yield piece
    }
  }
  return toProcessedOutput(result, output, body(), async () => {
    clearTimeout(timer)
    await close()
  })
}

function toProcessedOutput(
  { format: written, width, height, bytes, sha256 }: TransformResult,
  output: string,
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  dispose: () => void | Promise<void>,
): ProcessedOutput {
  const { mediaType, extensions } = formatOf(written)
  let isDisposed = false
  return {
    format: written,
    width,
    height,
    output,
    bytes,
    sha256,
    mediaType,
    fileName: `image.${extensions[0]}`,
    open: async () => iterate(body),
    async [Symbol.asyncDispose]() {
      if (isDisposed) return
      isDisposed = true
      await dispose()
    },
  }
}

async function* iterate(
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  yield* body
}
