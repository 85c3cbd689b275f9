import { backoffMs } from '@pixelflow/core/backoff'
import { pause } from '@pixelflow/core/pause'
import type { Content, ContentRef, DownloadOptions } from './client.ts'
import type { ClientTransport } from './client-transport.ts'
import { PixelflowError } from './pixelflow-error.ts'
import { retryCall, withTimeout, type CallLimits } from './retry-call.ts'

/** Consecutive connections without a byte after which the download fails. */
const maxTries = 5

/**
 * Downloads a stored file, resuming broken connections.
 * @throws PixelflowError `damaged` from the body if the stored file changes during the download.
 */
export async function openDownload(
  transport: ClientTransport,
  limits: CallLimits,
  from: ContentRef,
  options: DownloadOptions = {},
): Promise<Content> {
  return withTimeout(options, async (signal) => {
    const first = await retryCall(limits, signal, () => transport.content(from, { ...options, signal }))
    return { ...first, body: createResumableBody(transport, from, first, signal) }
  })
}

/** Returns a body that continues on another connection when one breaks. */
function createResumableBody(
  transport: ClientTransport,
  from: ContentRef,
  first: Content,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const { sha256, offset, length } = first
  let reader = first.body.getReader()
  let received = 0
  let tries = 0

  /** Reads the next bytes; undefined at the end. Resumes a broken connection. */
  async function readNext(): Promise<Uint8Array | undefined> {
    for (;;) {
      try {
        if (tries > 0) await reopen()
        const { done, value } = await reader.read()
        if (!done) {
          tries = 0
          return value
        }
        if (received >= length) return undefined
        throw new PixelflowError(
          'unreachable',
          `The download ended after ${received} of ${length} bytes: the connection was lost.`,
          { remedy: 'Download the file again.' },
        )
      } catch (thrown) {
        signal?.throwIfAborted()
        tries += 1
        if (!(thrown instanceof PixelflowError) || !thrown.isTemporary || tries >= maxTries) throw thrown
        await pause(backoffMs(tries, { initialMs: 200, maxMs: 2000 }), signal)
        signal?.throwIfAborted()
      }
    }
  }

  async function reopen(): Promise<void> {
    const rest = await transport.content(from, {
      offset: offset + received,
      length: length - received,
      signal,
    })
    reader = rest.body.getReader()
    if (rest.sha256 === sha256) return
    await reader.cancel().catch(() => {})
    throw new PixelflowError(
      'damaged',
      'The stored file changed during the download: its SHA-256 differs between two connections.',
      { title: 'Damaged download', remedy: 'Download the file again.' },
    )
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await readNext()
          if (chunk === undefined) return controller.close()
          received += chunk.byteLength
          controller.enqueue(chunk)
        } catch (thrown) {
          controller.error(thrown)
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
