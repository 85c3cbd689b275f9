import { Fault } from '@pixelflow/core/fault'
import { createLatestValue } from '@pixelflow/core/latest-value'
import type { Session } from '@pixelflow/core/ports/sessions'
import {
  previewOpenRequest,
  previewRequest,
  type PreviewResponse,
  type PreviewRequest,
} from '@pixelflow/core/tune/preview-request'
import type { KindContext, KindWithSessions } from '../kind.ts'
import { parseSessionOpening } from '../parse-session-opening.ts'
import { findSource } from '../transform/fetch-source.ts'
import { openPreviewRenderer, type PreviewRenderer, type PreviewRendererOptions } from './preview-renderer.ts'
import { createScratchQuota } from './scratch-quota.ts'

/** Serves sessions in which a user tunes a recipe. */
export const previewKind: KindWithSessions = {
  finishesOnDrain: false,
  createSessionHandler(context) {
    const scratchQuota = createScratchQuota(context.settings.previewScratchBytes)
    return {
      capacity: context.settings.previewSessions,
      isPaused: () => context.sandbox.isCircuitOpen,
      handle: (opening, session) => previewSession({ ...context, scratchQuota }, opening, session),
    }
  },
}

/**
 * Reads the image once, then answers each request with a preview. While one is rendered only the newest request waits;
 * older waiting requests are dropped. A started rendering is finished, because stopping it means killing the worker,
 * which takes longer than most renderings.
 */
async function previewSession(
  context: KindContext & PreviewRendererOptions,
  received: unknown,
  session: Session,
): Promise<void> {
  const { tuneIdleTimeoutMs } = context.settings
  const opening = parseSessionOpening(previewOpenRequest, received)
  const record = await findSource(context, opening.account, opening.image)
  const over = new AbortController()
  const signal = AbortSignal.any([session.broken, over.signal])
  await using renderer = await openPreviewRenderer(context, record, opening.preview)

  const requests = createLatestValue<PreviewRequest>()
  requests.put(opening)
  const receiveRequests = async () => {
    const timer = setTimeout(() => over.abort(idleTimeout(tuneIdleTimeoutMs)), tuneIdleTimeoutMs)
    try {
      for (;;) {
        const frame = await session.next(signal)
        if (frame === null) return requests.close()
        timer.refresh()
        requests.put(previewRequest.parse(frame.head))
      }
    } finally {
      clearTimeout(timer)
    }
  }
  const answerRequests = async () => {
    for (let request; (request = await requests.take(signal)) !== null;)
      await answer(renderer, request, session, signal)
  }
  const abortAll = (thrown: unknown) => {
    over.abort(thrown)
    throw thrown
  }
  await Promise.all([receiveRequests().catch(abortAll), answerRequests().catch(abortAll)])
}

async function answer(
  renderer: PreviewRenderer,
  request: PreviewRequest,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now()
  const send = (message: PreviewResponse, file?: Uint8Array) => session.send(message, file)
  const rendered = await renderer
    .render(request, signal, (source, copy) => send({ type: 'opened', source, preview: copy }))
    .catch((thrown: unknown) => {
      signal.throwIfAborted()
      const fault = Fault.of(thrown)
      if (!fault.row.isRenderingFault || !renderer.isOpen) throw thrown
      return fault
    })
  if (rendered instanceof Fault) {
    await send({ type: 'refused', sequence: request.sequence, fault: rendered.report() })
    return
  }
  const { sequence, output } = request
  const ms = Math.round((performance.now() - startedAt) * 100) / 100
  const { file, ...about } = rendered
  await send({ type: 'preview', sequence, output, ...about, bytes: file.length, ms }, file)
}

function idleTimeout(afterMs: number): Fault {
  return new Fault('deadline_exceeded', `The session had no change for ${Math.round(afterMs / 1000)} s.`, {
    remedy: 'Open the image again.',
  })
}
