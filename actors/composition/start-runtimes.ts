import { maxInteractivePerAccount } from '@pixelflow/core/actor'
import { dropUnreportedOutputs } from '@pixelflow/platform/shared-cache/drop-unreported-outputs'
import { jobKinds, type ActorKind } from '@pixelflow/core/actor-kinds'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import { kinds } from '../kinds/kinds.gen.ts'
import type { KindContext } from '../kinds/kind.ts'
import { startRuntime, type Runtime } from '../runtime/runtime.ts'

/** The runtimes of an actor, one for each kind whose jobs it takes. */
export interface Runtimes {
  readonly all: readonly Runtime[]
  readonly kinds: readonly ActorKind[]
  /** Jobs that all hold at once. */
  readonly slots: number
}

/** @param name of this process in events */
export function startRuntimes(adapters: Adapters, context: KindContext, name: string): Runtimes {
  const { jobConsumer, cancellations, events, deadLetters } = adapters
  const { settings, log } = context
  const { concurrency, maxAttempts } = settings
  // While the workers compute, some more jobs fetch their source or store their results. Even more would wait here
  // while another machine is idle.
  const slots = concurrency + Math.ceil(concurrency / 2)
  // Slots beyond those that bulk work may fill: one more than an account may use, so that another account gets one.
  const interactiveSlots = maxInteractivePerAccount(concurrency) + 1
  const ports = { jobConsumer, cancellations, events, deadLetters }
  const ownKinds = jobKinds.filter((kind) => settings.kinds.includes(kind))
  return {
    all: ownKinds.map((kind) => {
      const handler = kinds[kind].createJobHandler(context)
      return startRuntime({
        ...ports,
        kind,
        handler,
        dropUnreportedOutputs: (task, kept) => dropUnreportedOutputs(context, task, kept),
        actor: name,
        maxAttempts,
        slots,
        interactiveSlots,
        log,
      })
    }),
    kinds: ownKinds,
    slots: (slots + interactiveSlots) * ownKinds.length,
  }
}
