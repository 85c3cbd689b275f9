import { Fault } from '@pixelflow/core/fault'
import { createLatestValue } from '@pixelflow/core/latest-value'
import type { Session } from '@pixelflow/core/ports/sessions'
import {
  previewOpenRequest,
  previewRequest,
  type PreviewResponse,
  type PreviewOpenRequest,
  type PreviewRequest,
} from '@pixelflow/core/tune/preview-request'
import { findSource } from '../transform/fetch-source.ts'
import { openPreviewRenderer, type PreviewRenderer, type PreviewRendererOptions } from './preview-renderer.ts'

export interface PreviewKindOptions extends PreviewRendererOptions {
  /** How long a session may be silent, in milliseconds. */
  readonly idleTimeoutMs: number
}

/**
 * Holds sessions in which somebody tunes a recipe: reads the picture once, then answers each order with a preview. While
 * one is made only the newest order waits; those between are never begun. One that was begun is finished, since a child
 * in the middle of a rendering can only be stopped by killing it, which takes longer than most renderings.
 */
export function preview(options: PreviewKindOptions): (opening: unknown, session: Session) => Promise<void> {
  return async (said, session) => {
    const opening = openingOf(said)
    const record = await findSource(options, opening.account, opening.image)
    const over = new AbortController()
    const signal = AbortSignal.any([session.broken, over.signal])
    await using renderer = await openPreviewRenderer(options, record, opening.preview)

    const orders = createLatestValue<PreviewRequest>()
    orders.put(opening)
    const listen = async () => {
      const idle = setTimeout(() => over.abort(idled(options.idleTimeoutMs)), options.idleTimeoutMs)
      try {
        for (;;) {
          const frame = await session.next(signal)
          if (frame === null) return orders.close()
          idle.refresh()
          orders.put(previewRequest.parse(frame.head))
        }
      } finally {
        clearTimeout(idle)
      }
    }
    const answer = async () => {
      for (let order; (order = await orders.take(signal)) !== null;)
        await show(renderer, order, session, signal)
    }
    const ending = (thrown: unknown) => {
      over.abort(thrown)
      throw thrown
    }
    await Promise.all([listen().catch(ending), answer().catch(ending)])
  }
}

function openingOf(said: unknown): PreviewOpenRequest {
  const { data, error } = previewOpenRequest.safeParse(said)
  if (data) return data
  // A gateway of another version; there may be an actor of its own.
  throw new Fault('unavailable', 'The processes that make previews are being replaced just now.', {
    cause: error,
  })
}

async function show(
  renderer: PreviewRenderer,
  order: PreviewRequest,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now()
  const say = (news: PreviewResponse, file?: Uint8Array) => session.send(news, file)
  const made = await renderer
    .show(order, signal, (source, copy) => say({ type: 'opened', source, preview: copy }))
    .catch((thrown: unknown) => {
      signal.throwIfAborted()
      const fault = Fault.of(thrown)
      if (!fault.row.isRenderingFault || !renderer.isOpen) throw thrown
      return fault
    })
  if (made instanceof Fault) {
    await say({ type: 'refused', sequence: order.sequence, fault: made.report() })
    return
  }
  const { sequence, output } = order
  const ms = Math.round((performance.now() - begun) * 100) / 100
  const { file, ...about } = made
  await say({ type: 'preview', sequence, output, ...about, bytes: file.length, ms }, file)
}

function idled(afterMs: number): Fault {
  return new Fault('deadline_exceeded', `Nothing was changed for ${Math.round(afterMs / 1000)} s.`, {
    remedy: 'Open the picture again.',
  })
}
