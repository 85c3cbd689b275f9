import type { LiveKind } from '../actor-kinds.ts'
import type { Fault } from '../fault.ts'

/** One message of a session: a JSON value and bytes that belong to it (possibly none). */
export interface Frame {
  readonly head: unknown
  readonly body: Uint8Array
  /** The body in the chunks in which it arrived; `body` is their concatenation, a copy. */
  readonly chunks: readonly Uint8Array[]
}

/**
 * A bidirectional stream between a gateway and an actor, which the broker does not store. Frames arrive complete,
 * exactly once and in order, or the session breaks. Both sides detect a break within seconds, even if the other process
 * was killed or hangs. Disposing ends the session for both sides.
 */
export interface Session extends AsyncDisposable {
  /** The process on the other side, e.g. `host.4711`. */
  readonly peer: string
  /** Whether the other side reads frames. If not, this side has finished from the beginning. */
  readonly wantsFrames: boolean
  /**
   * Aborts when the session breaks, with the fault that `next` throws. Stop the work: its result cannot be delivered.
   */
  readonly broken: AbortSignal
  /**
   * Sends a frame; resolves when the window has space for it. The body may have several chunks. Do not modify them
   * afterwards.
   * @throws Fault as `next` does.
   */
  send(head: unknown, body?: Uint8Array | readonly Uint8Array[]): Promise<void>
  /**
   * The next frame; null once the other side has finished.
   * @throws Fault `actor_lost` when the other side is gone, the fault it failed with, or the reason of `signal`.
   */
  next(signal?: AbortSignal): Promise<Frame | null>
  /** Closes this side for sending; the other side's frames can still be read. */
  finish(): Promise<void>
  /** Ends the session for both; the other side's `next` throws this. */
  fail(fault: Fault): Promise<void>
}

/** The gateway's side: opens sessions with actors that have free capacity. */
export interface Sessions {
  /**
   * @param opening JSON with which the actor starts.
   * @param account the account of the caller. Accounts share the capacity fairly; each has its own wait queue.
   * @throws Fault `unavailable` when no actor of the kind runs, or none had capacity within a few seconds.
   */
  open(kind: LiveKind, opening: unknown, signal: AbortSignal, account?: string): Promise<Session>
}

/** How an actor serves the sessions of one kind. */
export interface SessionHandler {
  /**
   * Most sessions at a time; further offers go to other actors. An account below its fair share still gets a
   * session if other accounts use the whole capacity, so up to twice as many sessions run.
   */
  readonly capacity: number
  /** Whether new sessions are refused at the moment, as if the capacity were used up. */
  readonly isPaused?: () => boolean
  /** Whether this session needs frames from the gateway, or has all in its opening; by default true. */
  readonly wantsFrames?: (opening: unknown) => boolean
  /** Serves one session. The session finishes when this returns, and fails with what this throws. */
  handle(opening: unknown, session: Session): Promise<void>
}

/** The sessions of one kind on this actor. Disposing drains without waiting. */
export interface ServedSessions extends AsyncDisposable {
  /** Sessions that run now. */
  readonly held: number
  /**
   * Accepts no more sessions, waits up to `timeoutMs` for the running ones, then breaks the rest with `actor_lost`, so
   * that their callers start again with another actor. Resolves when none runs.
   */
  drain(timeoutMs: number): Promise<void>
}

/** The actor's side. */
export interface SessionHost {
  serve(kind: LiveKind, handler: SessionHandler): ServedSessions
}
