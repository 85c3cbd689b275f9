import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ActorState as State, ActorStatus } from '@pixelflow/core/actor'
import { viewActor } from '@pixelflow/core/views'
import { ActorState, type ActorSchema, type ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Usecases } from '../../usecases.ts'
import type { Implementation } from './implementation.ts'
import { toTimestamp } from './to-timestamp.ts'

const states: Readonly<Record<State, ActorState>> = {
  ready: ActorState.READY,
  resting: ActorState.RESTING,
  draining: ActorState.DRAINING,
}

/** The method that lists actors. */
export function actorMethod({
  listActors,
}: Usecases): Pick<Implementation<typeof ImageService>, 'listActors'> {
  return {
    async listActors(_, call) {
      return { items: listActors(call.principal()).map(toActorMessage) }
    },
  }
}

function toActorMessage(seen: ActorStatus): MessageInitShape<typeof ActorSchema> {
  const { state, tasks, residentBytes, startedAt, seenAt, ...same } = viewActor(seen)
  return {
    ...same,
    state: states[state],
    tasks: tasks.map(({ since, ...task }) => ({ ...task, since: toTimestamp(since) })),
    residentBytes: BigInt(residentBytes),
    startedAt: toTimestamp(startedAt),
    seenAt: toTimestamp(seenAt),
  }
}
