import type { Announcement } from '@pixelflow/core/ports/registry'
import type { Adapters } from '@pixelflow/nats/open-adapters'
import manifest from '../package.json'
import { createPresence } from '../presence.ts'
import type { Sandboxes } from './open-sandboxes.ts'
import type { HostedSessions } from './serve-sessions.ts'
import type { Runtimes } from './start-runtimes.ts'

export interface AnnounceActorOptions {
  readonly adapters: Pick<Adapters, 'clock' | 'registry'>
  readonly name: string
  /** Number of tasks that are processed at a time. */
  readonly workers: number
  readonly runtimes: Runtimes
  readonly sessions: HostedSessions
  readonly sandboxes: Sandboxes
  /** Aborts when this process drains. */
  readonly stop: AbortSignal
}

/** The announcement of this actor, with the elections that it leads. */
export interface ActorAnnouncement extends Announcement {
  /** Adds or removes a role, and publishes the change. */
  setLeader(role: string, isLeader: boolean): void
}

export function announceActor(options: AnnounceActorOptions): ActorAnnouncement {
  const { adapters, name, workers, runtimes, sessions, sandboxes, stop } = options
  const ledRoles = new Set<string>()
  const presence = createPresence({
    name,
    version: manifest.version,
    kinds: [...runtimes.kinds],
    live: sessions.kinds.map(({ kind }) => kind),
    slots: runtimes.slots,
    workers,
    ledRoles,
    runtimes: runtimes.all,
    hosted: sessions.kinds.map((hosted) => hosted.sessions),
    sandboxes: sandboxes.all,
    stop,
    // Of two processes with one name the one that started later counts.
    startedAt: new Date(adapters.clock.now()),
  })
  const announcement = adapters.registry.announce(presence)
  return {
    renew: () => announcement.renew(),
    setLeader(role, isLeader) {
      ledRoles[isLeader ? 'add' : 'delete'](role)
      announcement.renew()
    },
    [Symbol.asyncDispose]: () => announcement[Symbol.asyncDispose](),
  }
}
