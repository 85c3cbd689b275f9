import type { ActorReport, ActorStatus } from '../actor.ts'

/** The announcement of an actor. Disposing withdraws it. */
export interface Announcement extends AsyncDisposable {
  /** Publishes the current report at once, for changes that others need to know early. */
  renew(): void
}

/** The known actors. Disposing unsubscribes. */
export interface Roster extends Disposable {
  /** Sorted by name. Actors that withdrew or have been silent for several seconds are left out. */
  readonly actors: readonly ActorStatus[]
}

/** Service discovery for actors, by repeated announcements. Nothing is stored. */
export interface Registry {
  /** Publishes `report` now, every few seconds, and on request. */
  announce(report: () => ActorReport): Announcement
  /** Subscribes to announcements; requests them at once and after each reconnect. */
  follow(): Roster
}
