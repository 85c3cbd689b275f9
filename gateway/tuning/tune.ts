import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import type { OpenMessage, ClientMessage } from '@pixelflow/core/tune/client-message'
import { noInput } from '@pixelflow/core/inputs'
import { tunePath } from '@pixelflow/core/tune/tune-protocol'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareStream } from '../calls/declare-call.ts'
import type { Ports } from '../ports.ts'
import { acceptTask } from '../tasks/accept-task.ts'
import { writePositionOf } from '../consistency/wait-for-position.ts'
import { createUpdateBuffer, type TuneUpdate } from './update-buffer.ts'
import { runTuneSession } from './run-tune-session.ts'
import { rejectOnAbort } from '../tasks/reject-on-abort.ts'

export type { TuneUpdate } from './update-buffer.ts'

/** How long a client may take to send `open`, in milliseconds. */
const openWithinMs = 30_000

export const tune = declareStream({
  name: 'tune',
  tag: 'tasks',
  summary: 'Tune a recipe over a WebSocket',
  description:
    'The client sends JSON: `open`, then any number of `change` and `apply`. The server sends JSON, and after each `preview` the file as a binary frame. Programs send their token in `Authorization`, pages as the additional subprotocol `bearer.<base64url of the token>`. The messages are described in `docs/tuning.md`.',
  http: { method: 'GET', path: tunePath },
  rpc: ImageService.method.tune,
  access: 'images:read',
  input: noInput,
  open: (ports) => openSessions(ports, acceptTask(ports)),
})

/**
 * A live tuning session: each change of the recipe is answered with a preview, unless a newer change has replaced it.
 * The gateway keeps the recipe, so the session continues when its actor is lost. It ends after the last answer once the
 * client has finished, or with a fault when no actor is available, when the client is idle for too long, or when this
 * gateway stops. Only the newest preview is kept for a slow client.
 * @throws Fault `too_many_sessions`, `image_not_found`, `invalid_recipe`, `invalid_request`, `unavailable`, and the faults
 * of an image that cannot be decoded.
 */
function openSessions(
  ports: Pick<Ports, 'images' | 'sessions' | 'storeTimeout' | 'tuning' | 'follower' | 'writePositions'>,
  accept: (who: Principal, image: string, recipe: Recipe) => Promise<Task>,
) {
  const { tuning } = ports
  const position = writePositionOf(ports)
  const open = new Map<string, number>()

  /** Counts a session of an account while it is open. */
  const reserveSession = (account: string): Disposable => {
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
    messages: AsyncIterable<ClientMessage>,
    clientSignal: AbortSignal,
  ): AsyncGenerator<TuneUpdate, void> {
    using _ = reserveSession(who.account)
    const ended = new AbortController()
    const signal = AbortSignal.any([clientSignal, tuning.stopping, ended.signal])
    const received = messages[Symbol.asyncIterator]()
    const updates = createUpdateBuffer()
    const idle = startSessionTimeout(tuning.idleTimeoutMs, (fault) => ended.abort(fault))
    try {
      const first = await rejectOnAbort(received.next(), AbortSignal.any([signal, lateOpening()]))
      const opening = openingOf(first)
      const session = runTuneSession({
        ports,
        createTask: accept,
        positionOf: position,
        who,
        opening,
        messages: received,
        updates,
        onActivity: idle.refresh,
        signal,
      })
      session.then(
        () => updates.close(),
        (thrown: unknown) => updates.close(thrown),
      )
      for (let update; (update = await updates.next()) !== null;) yield update
    } finally {
      ended.abort(new Fault('cancelled', 'The client has disconnected.'))
      idle.stop()
      // Not awaited, because it never resolves while the client is silent.
      void received.return?.().catch(() => {})
    }
  }
}

function openingOf({ done, value }: IteratorResult<ClientMessage, unknown>): OpenMessage {
  if (done !== true && value.type === 'open') return value
  throw new Fault('invalid_request', 'Expected an `open` message first.', {
    field: 'open',
    remedy: 'Send `open` with the image and the recipe before any change.',
  })
}

function lateOpening(): AbortSignal {
  const late = new AbortController()
  setTimeout(
    () =>
      late.abort(
        new Fault('deadline_exceeded', 'Expected an `open` message; none came in time.', {
          remedy: 'Send `open` with the image and the recipe right after connecting.',
        }),
      ),
    openWithinMs,
  ).unref()
  return late.signal
}

function startSessionTimeout(afterMs: number, abort: (fault: Fault) => void) {
  const timer = setTimeout(() => {
    const detail = `The client sent no message for ${Math.round(afterMs / 1000)} s.`
    abort(new Fault('deadline_exceeded', detail, { remedy: 'Open the image again.' }))
  }, afterMs)
  return { refresh: () => void timer.refresh(), stop: () => clearTimeout(timer) }
}

function tooMany(limit: number): Fault {
  return new Fault(
    'too_many_sessions',
    `This account has ${limit} tuning sessions open on this gateway, which is the limit.`,
    {
      remedy: 'End one, or wait until an idle one is ended.',
      retryAfterMs: 10_000,
    },
  )
}
