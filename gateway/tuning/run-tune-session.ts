import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import type { Task } from '@pixelflow/core/task'
import type { OpenMessage, ClientMessage } from '@pixelflow/core/tune/client-message'
import { findImage } from '../images/find-image.ts'
import type { Ports } from '../ports.ts'
import { openPreviewClient } from './preview-client.ts'
import type { UpdateBuffer } from './update-buffer.ts'
import { createTunedRecipe } from './tuned-recipe.ts'
import { rejectOnAbort } from '../tasks/reject-on-abort.ts'

export interface SessionNeeds {
  readonly ports: Pick<Ports, 'images' | 'sessions' | 'storeTimeout'>
  readonly createTask: (who: Principal, image: string, recipe: Recipe) => Promise<Task>
  readonly positionOf: (account: string) => string | undefined
  readonly who: Principal
  readonly opening: OpenMessage
  /** What the client says after its opening. */
  readonly words: AsyncIterator<ClientMessage>
  readonly outbox: UpdateBuffer
  /** Called for each thing said or heard. */
  readonly alive: () => void
  readonly signal: AbortSignal
}

/** One session from its opening to its end. @throws Fault why it ends, unless the client has finished. */
export async function runTuneSession(needs: SessionNeeds): Promise<void> {
  const { ports, createTask, positionOf, who, opening, words, outbox, alive, signal } = needs
  const { image, preview } = opening
  // Each thing said is a call of its own.
  const { call } = ports.storeTimeout
  await call(() => findImage(ports.images, who, image, 'image'))
  const truth = createTunedRecipe(opening)
  let answered = -1
  let source = ''
  // A session outlasts the time of a call: it looks for another actor whenever it loses one.
  const link = ports.storeTimeout.detached(() =>
    openPreviewClient({
      sessions: ports.sessions,
      signal,
      opening: () => ({ account: who.account, image, preview, ...truth.order }),
      clear: outbox.clear,
      restored: () => outbox.say({ type: 'restored', sequence: truth.order.sequence }),
      async hear(news, file) {
        alive()
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
    }),
  )
  const listen = async () => {
    for (;;) {
      const { done, value } = await rejectOnAbort(words.next(), signal)
      if (done === true) return link.finish()
      alive()
      await obey(value)
    }
  }
  const obey = async (value: ClientMessage) => {
    try {
      if (value.type === 'open') throw openedTwice()
      if (value.type === 'change') return link.show(truth.change(value))
      const recipe = truth.applied(value)
      const { sequence } = truth.order
      const task = await call(() => createTask(who, image, recipe))
      const position = positionOf(who.account)
      await outbox.say({ type: 'applied', sequence, task, ...(position === undefined ? {} : { position }) })
    } catch (thrown) {
      const fault = Fault.of(thrown)
      if (!fault.row.isMessageFault) throw fault
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

function openedTwice(): Fault {
  return new Fault('invalid_request', 'An image is open already.', {
    field: 'open',
    remedy: 'Send changes, or open another session.',
  })
}
