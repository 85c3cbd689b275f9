import { maxInteractivePerAccount } from '@pixelflow/core/actor'
import type { ActorKind } from '@pixelflow/core/job'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import { jobKinds } from '../kinds/index.ts'
import type { KindContext } from '../kinds/job-kind.ts'
import { startRuntime, type Runtime } from '../runtime/runtime.ts'

/** The runtimes of an actor, one for each kind of queued work. */
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
  const handlers = jobKinds.map((kind) => kind(context))
  return {
    all: handlers.map((handler) =>
      startRuntime({ ...ports, handler, actor: name, maxAttempts, slots, interactiveSlots, log }),
    ),
    kinds: handlers.map(({ kind }) => kind),
    slots: (slots + interactiveSlots) * handlers.length,
  }
}
