import type { Fault } from '../fault.ts'

/** What actors do live, while somebody waits: nothing of it is queued or stored. */
export const liveKinds = ['transform', 'preview'] as const
export type LiveKind = (typeof liveKinds)[number]

/** One thing said in a session: a JSON value, and bytes that go with it (empty when there are none). */
export interface Frame {
  readonly head: unknown
  readonly body: Uint8Array
  /** The body in the pieces it arrived in, for those who need not have it in one: putting it together is a copy. */
  readonly parts: readonly Uint8Array[]
}

/**
 * A conversation between one gateway and the one actor that took it, through the broker's memory only. Frames arrive
 * whole, once and in order, or the session breaks: then both sides learn of it within seconds, also when the other was
 * killed or hangs. Disposing ends it for both.
 */
export interface Session extends AsyncDisposable {
  /** Who is on the other side, e.g. `host.4711`. */
  readonly peer: string
  /** Aborts, with the fault that `next` throws, as soon as the session has broken; for work that nobody waits for now. */
  readonly broken: AbortSignal
  /**
   * Resolves when there is room for another frame. A body may come in parts; none of it may be changed afterwards.
   * @throws Fault as `next` does.
   */
  send(head: unknown, body?: Uint8Array | readonly Uint8Array[]): Promise<void>
  /**
   * The next frame; null once the other side has finished.
   * @throws Fault `actor_lost` when the other side is gone, the fault it failed with, or the reason of `signal`.
   */
  next(signal?: AbortSignal): Promise<Frame | null>
  /** Nothing more will be sent from here; what is still to come can be read. */
  finish(): Promise<void>
  /** Ends the session for both; the other side's `next` throws this. */
  fail(fault: Fault): Promise<void>
}

/** The gateway's end: finds an actor that has room. */
export interface Sessions {
  /**
   * @param opening JSON the actor decides and begins with.
   * @param account whose work it is: accounts share the room of the actors, and wait in lines of their own.
   * @throws Fault `unavailable` when no actor of the kind lives, or none had room before `signal` or a few seconds ended.
   */
  open(kind: LiveKind, opening: unknown, signal: AbortSignal, account?: string): Promise<Session>
}

/** What an actor does with the sessions of one kind. */
export interface Hosting {
  /**
   * Sessions that are taken at once; further offers go to other actors. While others hold all of it, an account still
   * gets its fair share, so up to twice as many are held.
   */
  readonly room: number
  /** Whether none are taken just now, as if there were no room. */
  readonly isResting?: () => boolean
  /** Holds one session from its first word to its last. When it returns the session has finished, what it throws fails it. */
  take(opening: unknown, session: Session): Promise<void>
}

/** Sessions of one kind being taken. Disposing is draining without patience. */
export interface Hosted extends AsyncDisposable {
  /** Sessions held just now. */
  readonly held: number
  /**
   * Takes no more, lets those that are held go on for up to `timeoutMs`, then breaks the rest with `actor_lost`, so that
   * they begin anew elsewhere. Resolves when none is held.
   */
  drain(timeoutMs: number): Promise<void>
}

/** The actor's end: takes sessions while it has room for them. */
export interface SessionHost {
  serve(kind: LiveKind, hosting: Hosting): Hosted
}
