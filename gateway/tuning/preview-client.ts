import { backoffMs } from '@pixelflow/core/backoff'
import { Fault } from '@pixelflow/core/fault'
import { createLatestValue } from '@pixelflow/core/latest-value'
import { pause } from '@pixelflow/core/pause'
import type { Session, Sessions } from '@pixelflow/core/ports/sessions'
import {
  previewResponse,
  type PreviewResponse,
  type PreviewOpenRequest,
  type PreviewRequest,
} from '@pixelflow/core/tune/preview-request'

export interface PreviewClientOptions {
  readonly sessions: Sessions
  /** The first request to each actor, with the newest recipe. */
  readonly openRequest: () => PreviewOpenRequest
  readonly onResponse: (response: PreviewResponse, file: Uint8Array) => Promise<void>
  /** Resolves when the client has taken the last preview; no further one is requested before. */
  readonly waitForPreviewTaken: () => Promise<void>
  /** Called when another actor has taken over. */
  readonly onRestored: () => Promise<void>
  readonly signal: AbortSignal
}

/** Requests previews from an actor, and from another one when that actor is lost. */
export interface PreviewClient {
  /** Requests a preview; replaces a request that was not sent yet. */
  request(request: PreviewRequest): void
  /** No further requests; the last one is still answered. */
  finish(): void
  /** Resolves after `finish`, when every request was answered. @throws Fault when no actor is available, or the image's fault. */
  readonly done: Promise<void>
}

/** How long a lost actor may take to be replaced, in milliseconds: actors are restarted now and then. */
const replaceWithinMs = 30_000
/** How long the first actor is searched, in milliseconds. It is shorter, because a new client can try again itself. */
const findWithinMs = 2000
const backoff = { initialMs: 20, maxMs: 1000 }

export function openPreviewClient({
  sessions,
  openRequest,
  onResponse,
  waitForPreviewTaken,
  onRestored,
  signal,
}: PreviewClientOptions): PreviewClient {
  const requests = createLatestValue<PreviewRequest>()

  /** Sends requests and reads responses until both ends have finished. */
  const exchange = async (session: Session, opened: PreviewOpenRequest, onAnswer: () => Promise<void>) => {
    const failed = new AbortController()
    const ended = AbortSignal.any([signal, session.broken, failed.signal])
    const sendRequests = async () => {
      for (;;) {
        await waitForPreviewTaken()
        const request = await requests.take(ended)
        if (request === null) break
        if (request.sequence > opened.sequence) await session.send(request)
      }
      await session.finish()
    }
    const readResponses = async () => {
      for (let frame; (frame = await session.next(ended)) !== null;) {
        const response = previewResponse.safeParse(frame.head)
        if (!response.success) throw invalidMessage(response.error)
        await onAnswer()
        await onResponse(response.data, frame.body)
      }
    }
    const endBoth = (thrown: unknown) => {
      failed.abort(thrown)
      throw thrown
    }
    await Promise.all([sendRequests().catch(endBoth), readResponses().catch(endBoth)])
  }

  const run = async () => {
    let isFirst = true
    let lostAt = performance.now()
    let failures = 0
    for (;;) {
      try {
        const opened = openRequest()
        await using session = await sessions.open('preview', opened, signal, opened.account)
        let isNew = true
        await exchange(session, opened, async () => {
          if (isNew && !isFirst) await onRestored()
          isNew = isFirst = false
          lostAt = performance.now()
          failures = 0
        })
        return
      } catch (thrown) {
        signal.throwIfAborted()
        const fault = Fault.of(thrown)
        const isTooLate = performance.now() - lostAt > (isFirst ? findWithinMs : replaceWithinMs)
        if (!fault.row.canFailOver || isTooLate) throw fault
        failures += 1
        await pause(backoffMs(failures, backoff), signal)
      }
    }
  }

  return {
    request: (request) => requests.put(request),
    finish: () => requests.close(),
    done: run(),
  }
}

function invalidMessage(cause: unknown): Fault {
  return new Fault('internal', 'The preview worker sent an invalid message.', { cause })
}
