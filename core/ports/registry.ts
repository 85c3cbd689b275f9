import type { ActorReport, ActorStatus } from '../actor.ts'

/** An actor being known. Disposing says farewell. */
export interface Announced extends AsyncDisposable {
  /** Says it anew at once, for changes that others should not learn late. */
  renew(): void
}

/** Who is there, as far as has been heard. Disposing stops listening. */
export interface Roster extends Disposable {
  /** By name. Those who said farewell, or have been silent for several seconds, are gone. */
  readonly actors: readonly ActorStatus[]
}

/** Actors make themselves known to all who listen. Nothing of it is stored: what is not said again is forgotten. */
export interface Registry {
  /** Says `report` now, every few seconds, and whenever somebody asks who is there. */
  announce(report: () => ActorReport): Announced
  /** Listens from now on, and asks at once, and after each break, who is there. */
  follow(): Roster
}
