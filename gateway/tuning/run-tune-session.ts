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

export interface TuneSessionOptions {
  readonly ports: Pick<Ports, 'images' | 'sessions' | 'storeTimeout'>
  readonly createTask: (who: Principal, image: string, recipe: Recipe) => Promise<Task>
  readonly positionOf: (account: string) => string | undefined
  readonly who: Principal
  readonly opening: OpenMessage
  /** Messages of the client after `open`. */
  readonly messages: AsyncIterator<ClientMessage>
  readonly updates: UpdateBuffer
  /** Called for each message in both directions. */
  readonly onActivity: () => void
  readonly signal: AbortSignal
}

/** Runs a session until the client has finished. @throws the fault that ended it before. */
export async function runTuneSession(options: TuneSessionOptions): Promise<void> {
  const { ports, createTask, positionOf, who, opening, messages, updates, onActivity, signal } = options
  const { image, preview } = opening
  // Each message has the store timeout of a call.
  const { call } = ports.storeTimeout
  await call(() => findImage(ports.images, who, image, 'image'))
  const recipe = createTunedRecipe(opening)
  let answered = -1
  let lastOpenedJson = ''
  // A session outlasts the time limit of a call: it may have to search for another actor at any time.
  const previews = ports.storeTimeout.detached(() =>
    openPreviewClient({
      sessions: ports.sessions,
      signal,
      openRequest: () => ({ account: who.account, image, preview, ...recipe.request }),
      waitForPreviewTaken: updates.waitForPreviewTaken,
      onRestored: () => updates.push({ type: 'restored', sequence: recipe.request.sequence }),
      async onResponse(response, file) {
        onActivity()
        if (response.type === 'opened') {
          // An actor that takes over reports the same image again.
          const seen = JSON.stringify(response)
          if (seen !== lastOpenedJson) await updates.push(response)
          lastOpenedJson = seen
          return
        }
        if ((response.sequence ?? 0) <= answered) return
        answered = response.sequence ?? answered
        if (response.type === 'refused') {
          recipe.refuse(answered, response.fault)
          return updates.push(response)
        }
        const { type: _, ...about } = response
        return updates.push({ type: 'preview', about, file })
      },
    }),
  )
  const readMessages = async () => {
    for (;;) {
      const { done, value } = await rejectOnAbort(messages.next(), signal)
      if (done === true) return previews.finish()
      onActivity()
      await handle(value)
    }
  }
  const handle = async (value: ClientMessage) => {
    try {
      if (value.type === 'open') throw openedTwice()
      if (value.type === 'change') return previews.request(recipe.change(value))
      const applied = recipe.requireApplicable(value)
      const { sequence } = recipe.request
      const task = await call(() => createTask(who, image, applied))
      const position = positionOf(who.account)
      await updates.push({ type: 'applied', sequence, task, ...(position === undefined ? {} : { position }) })
    } catch (thrown) {
      const fault = Fault.of(thrown)
      if (!fault.row.isMessageFault) throw fault
      const { sequence } = value.type === 'open' ? { sequence: undefined } : value
      await updates.push({
        type: 'refused',
        ...(sequence === undefined ? {} : { sequence }),
        ...(value.type === 'apply' ? { apply: true as const } : {}),
        fault: fault.report(),
      })
    }
  }
  const reading = readMessages()
  // A fault of either side ends the session.
  await Promise.race([previews.done, reading.then(() => previews.done)])
}

function openedTwice(): Fault {
  return new Fault('invalid_request', 'An image is already open.', {
    field: 'open',
    remedy: 'Send `change` messages, or open another session.',
  })
}
