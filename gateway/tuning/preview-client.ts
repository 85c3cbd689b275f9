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
  /** What every actor is opened with; the order is the newest one. */
  readonly opening: () => PreviewOpenRequest
  /** Something that an actor has said, with the file that belongs to it. */
  readonly hear: (news: PreviewResponse, file: Uint8Array) => Promise<void>
  /** Resolves when another preview would be seen; none is asked for before. */
  readonly clear: () => Promise<void>
  /** Another actor has taken over. */
  readonly restored: () => Promise<void>
  readonly signal: AbortSignal
}

/** The way to whichever actor makes the previews. */
export interface PreviewClient {
  /** Has this shown next, instead of what waits still. */
  show(order: PreviewRequest): void
  /** Nothing more is to be shown; the last is still answered. */
  finish(): void
  /** Resolves when all is answered after `finish`. @throws Fault when no actor can be had, or what the picture is to blame for. */
  readonly done: Promise<void>
}

/** How long an actor is looked for when one was there before, in milliseconds: theirs are restarted now and then. */
const patienceMs = 30_000
/** The same where there was none yet: who begins had better try again later. */
const firstPatienceMs = 2000
const firstPauseMs = 20
const longestPauseMs = 1000

export function openPreviewClient({
  sessions,
  opening,
  hear,
  clear,
  restored,
  signal,
}: PreviewClientOptions): PreviewClient {
  const orders = createLatestValue<PreviewRequest>()

  const talk = async (session: Session, opened: PreviewOpenRequest, isHeard: () => Promise<void>) => {
    const over = new AbortController()
    const ended = AbortSignal.any([signal, session.broken, over.signal])
    const speak = async () => {
      for (;;) {
        await clear()
        const order = await orders.take(ended)
        if (order === null) break
        if (order.sequence > opened.sequence) await session.send(order)
      }
      await session.finish()
    }
    const listen = async () => {
      for (let frame; (frame = await session.next(ended)) !== null;) {
        const news = previewResponse.safeParse(frame.head)
        if (!news.success)
          throw new Fault('internal', 'The preview worker sent an invalid message.', { cause: news.error })
        await isHeard()
        await hear(news.data, frame.body)
      }
    }
    const ending = (thrown: unknown) => {
      over.abort(thrown)
      throw thrown
    }
    await Promise.all([speak().catch(ending), listen().catch(ending)])
  }

  const run = async () => {
    let isFirst = true
    let lostAt = performance.now()
    let pauseMs = firstPauseMs
    for (;;) {
      try {
        const opened = opening()
        await using session = await sessions.open('preview', opened, signal, opened.account)
        let isNew = true
        await talk(session, opened, async () => {
          if (isNew && !isFirst) await restored()
          isNew = isFirst = false
          lostAt = performance.now()
          pauseMs = firstPauseMs
        })
        return
      } catch (thrown) {
        signal.throwIfAborted()
        const fault = Fault.of(thrown)
        const isHopeless = performance.now() - lostAt > (isFirst ? firstPatienceMs : patienceMs)
        if (!fault.row.failover || isHopeless) throw fault
        await pause(pauseMs, signal)
        pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      }
    }
  }

  return {
    show: (order) => orders.put(order),
    finish: () => orders.close(),
    done: run(),
  }
}
