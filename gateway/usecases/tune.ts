import { Fault, type FaultCode } from '@pixelflow/core/fault'
import { demand, type Principal } from '@pixelflow/core/principal'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import type { TuneOpen, TuneSaid } from '@pixelflow/core/tune/said'
import { findImage } from './find.ts'
import type { Ports } from './ports.ts'
import { openLink } from './tune-link.ts'
import { createOutbox, type Heard, type Outbox } from './tune-outbox.ts'
import { createTruth } from './tune-truth.ts'

export type { Heard } from './tune-outbox.ts'

/** How long a client may take to say what it wants to tune, in milliseconds. */
const openWithinMs = 30_000

/**
 * Tunes a recipe: each change of it is answered by a preview, unless a newer one has come meanwhile. Recipe and newest
 * change are kept here, so the session goes on when the actor that makes the previews is lost. It ends after the last
 * answer once the client has finished; with a fault when there is nobody who could go on, when nothing was said for too
 * long, or when this gateway stops. However slowly it is listened to, only the newest preview is held for it.
 * @throws Fault `too_many_sessions`, `image_not_found`, `invalid_recipe`, `invalid_request`, `unavailable`, and those of
 * a picture that cannot be decoded.
 */
export function tune(
  ports: Pick<Ports, 'images' | 'sessions' | 'tuning'>,
  createTask: (who: Principal, image: string, recipe: Recipe) => Promise<Task>,
) {
  const { images, tuning } = ports
  const open = new Map<string, number>()

  /** Counts a session of an account. */
  const enter = (account: string): Disposable => {
    const count = open.get(account) ?? 0
    if (count >= tuning.sessionsPerAccount) throw tooMany(tuning.sessionsPerAccount)
    open.set(account, count + 1)
    return {
      [Symbol.dispose]() {
        const left = (open.get(account) ?? 1) - 1
        if (left === 0) open.delete(account)
        else open.set(account, left)
      },
    }
  }

  return async function* (
    who: Principal,
    said: AsyncIterable<TuneSaid>,
    left: AbortSignal,
  ): AsyncGenerator<Heard, void> {
    demand(who, 'images:read')
    using _ = enter(who.account)
    const over = new AbortController()
    const signal = AbortSignal.any([left, tuning.stopping, over.signal])
    const words = said[Symbol.asyncIterator]()
    const outbox = createOutbox()
    const idle = idleTimer(tuning.idleTimeoutMs, (fault) => over.abort(fault))
    try {
      const first = await until(words.next(), AbortSignal.any([signal, lateOpening()]))
      const session = hold(who, openingOf(first), words, outbox, signal, idle)
      session.then(
        () => outbox.close(),
        (thrown: unknown) => outbox.close(thrown),
      )
      for (let heard; (heard = await outbox.next()) !== null;) yield heard
    } finally {
      over.abort(new Fault('cancelled', 'Nobody listens any more.'))
      idle.stop()
      // Not waited for: where the client has fallen silent it would never come.
      void words.return?.().catch(() => {})
    }
  }

  async function hold(
    who: Principal,
    opening: TuneOpen,
    words: AsyncIterator<TuneSaid>,
    outbox: Outbox,
    signal: AbortSignal,
    idle: { refresh(): void },
  ): Promise<void> {
    const { image, preview } = opening
    await findImage(images, who, image, 'image')
    const truth = createTruth(opening)
    let answered = -1
    let source = ''
    const link = openLink({
      sessions: ports.sessions,
      signal,
      opening: () => ({ account: who.account, image, preview, ...truth.order }),
      clear: outbox.clear,
      restored: () => outbox.say({ type: 'restored', sequence: truth.order.sequence }),
      async hear(news, file) {
        if (news.type === 'opened') {
          // Whoever takes over sees the same.
          const seen = JSON.stringify(news)
          if (seen !== source) await outbox.say(news)
          source = seen
          return
        }
        if ((news.sequence ?? 0) <= answered) return
        answered = news.sequence ?? answered
        if (news.type === 'refused') {
          truth.refuse(answered, news.fault)
          return outbox.say(news)
        }
        const { type: _, ...about } = news
        return outbox.say({ type: 'preview', about, file })
      },
    })
    const listen = async () => {
      for (;;) {
        const { done, value } = await until(words.next(), signal)
        if (done === true) return link.finish()
        idle.refresh()
        await obey(value)
      }
    }
    const obey = async (value: TuneSaid) => {
      try {
        if (value.type === 'open') throw openedTwice()
        if (value.type === 'change') return link.show(truth.change(value))
        const recipe = truth.applied(value)
        const { sequence } = truth.order
        await outbox.say({ type: 'applied', sequence, task: await createTask(who, image, recipe) })
      } catch (thrown) {
        const fault = Fault.of(thrown)
        if (!survivable.has(fault.code)) throw fault
        const { sequence } = value.type === 'open' ? { sequence: undefined } : value
        await outbox.say({
          type: 'refused',
          ...(sequence === undefined ? {} : { sequence }),
          ...(value.type === 'apply' ? { apply: true as const } : {}),
          fault: fault.report(),
        })
      }
    }
    const listening = listen()
    // What breaks one way breaks both.
    await Promise.race([link.done, listening.then(() => link.done)])
  }
}

/** What may be wrong with one thing said; the session goes on. */
const survivable: ReadonlySet<FaultCode> = new Set([
  'invalid_recipe',
  'invalid_request',
  'precondition_failed',
  'image_not_found',
  'forbidden',
  'queue_full',
  'storage_failed',
  'unavailable',
])

/** What a promise gives, unless the signal aborts before. @throws its reason then. */
async function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Nobody may be left to hear that it failed: where the signal comes first, or has come already.
  promise.catch(() => {})
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function openingOf({ done, value }: IteratorResult<TuneSaid, unknown>): TuneOpen {
  if (done !== true && value.type === 'open') return value
  throw new Fault('invalid_request', 'Nothing was opened.', {
    field: 'open',
    remedy: 'Say first which image is tuned, and with which recipe it begins.',
  })
}

function lateOpening(): AbortSignal {
  const late = new AbortController()
  setTimeout(
    () =>
      late.abort(
        new Fault('deadline_exceeded', 'Nothing was opened in time.', {
          remedy: 'Say first which image is tuned.',
        }),
      ),
    openWithinMs,
  ).unref()
  return late.signal
}

function idleTimer(afterMs: number, abort: (fault: Fault) => void) {
  const timer = setTimeout(() => {
    const detail = `Nothing was changed for ${Math.round(afterMs / 1000)} s.`
    abort(new Fault('deadline_exceeded', detail, { remedy: 'Open the image again.' }))
  }, afterMs)
  return { refresh: () => void timer.refresh(), stop: () => clearTimeout(timer) }
}

function openedTwice(): Fault {
  return new Fault('invalid_request', 'An image is open already.', {
    field: 'open',
    remedy: 'Send changes, or open another session.',
  })
}

function tooMany(limit: number): Fault {
  return new Fault('too_many_sessions', `This account has ${limit} tuning sessions open on this gateway.`, {
    remedy: 'End one, or wait until an idle one is ended.',
    retryAfterMs: 10_000,
  })
}
