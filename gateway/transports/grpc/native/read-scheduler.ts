import type { Socket } from 'node:net'
import { createFrameSlicer, sliceWeight } from './frame-slicer.ts'

/**
 * Hands the bytes of all HTTP/2 connections to their sessions in slices, with a bounded amount of work in each turn of the
 * event loop. Bun reads a socket as far as it can: a burst of many calls would be processed before anything else in the
 * process runs, such as the HTTP port, timers, the connection to NATS, and other clients. `bursts.test.ts` measures this.
 *
 * Connections are served in deficit round robin. A connection with some of its share left goes ahead of those that wait
 * for their next share, so a call on a quiet connection does not wait for a whole round of a burst. Every second slice
 * belongs to the connections that wait, so new connections cannot starve them.
 */
export interface ReadScheduler {
  /** @param read receives the bytes of the connection in order */
  connect(socket: ReadSocket, read: (bytes: Uint8Array) => void): ScheduledReads
  /** Connections with waiting bytes. */
  readonly waiting: number
}

/** The socket members that the scheduler uses. */
export type ReadSocket = Pick<Socket, 'pause' | 'resume' | 'destroyed'>

export interface ScheduledReads {
  /**
   * Takes bytes that have arrived. The socket is paused while bytes wait, so each connection holds at most one read of its
   * socket.
   */
  push(bytes: Uint8Array): void
  /** Drops waiting bytes and reads no more. The socket stays as it is. */
  stop(): void
}

interface Connection {
  /** Weight of the frames that may be read before the connection has to wait for its next share. */
  share: number
  /** Hands over the next slice, of at most this weight. */
  serve(maxWeight: number): { readonly weight: number; readonly isEmpty: boolean }
}

/** @param nextTurn calls back in the next turn of the event loop, after the process has polled for input */
export function createReadScheduler(
  nextTurn: (turn: () => void) => void = (turn) => void setImmediate(turn),
): ReadScheduler {
  /** Connections with some of their share left. */
  const withShare: Connection[] = []
  /** Connections that wait for their next share. */
  const withoutShare: Connection[] = []
  let servedWithShare = false
  let isScheduled = false
  /** Weight that may still be read in this turn. The last slice of a turn may exceed it. */
  let turnShare = sliceWeight

  const schedule = (): void => {
    if (!isScheduled) nextTurn(turn)
    isScheduled = true
  }

  /** Serves one slice; true when no bytes of the connection wait. */
  const serve = (one: Connection): boolean => {
    const { weight, isEmpty } = one.serve(one.share)
    // A slice from the middle of a frame has weight 0.
    const cost = Math.max(1, weight)
    one.share -= cost
    turnShare -= cost
    return isEmpty
  }

  const enqueue = (one: Connection): void => void (one.share > 0 ? withShare : withoutShare).push(one)

  const takeNext = (): Connection | undefined => {
    servedWithShare = withShare.length > 0 && !(servedWithShare && withoutShare.length > 0)
    if (servedWithShare) return withShare.shift()
    const one = withoutShare.shift()
    if (one) one.share = sliceWeight
    return one
  }

  function turn(): void {
    isScheduled = false
    turnShare = sliceWeight
    if (withShare.length + withoutShare.length > 0) schedule()
    while (turnShare > 0) {
      const one = takeNext()
      if (!one) return
      if (!serve(one)) enqueue(one)
    }
  }

  return {
    get waiting() {
      return withShare.length + withoutShare.length
    },
    connect(socket, read) {
      const slicer = createFrameSlicer()
      let rest: Uint8Array | undefined
      let at = 0
      let isStopped = false
      let isPaused = false
      const one: Connection = {
        share: sliceWeight,
        serve(maxWeight) {
          if (rest === undefined || socket.destroyed) {
            rest = undefined
            return { weight: 0, isEmpty: true }
          }
          const { end, weight } = slicer.next(rest, at, maxWeight)
          const slice = rest.subarray(at, end)
          at = end
          if (end === rest.length) rest = undefined
          read(slice)
          const isEmpty = rest === undefined
          if (isEmpty && isPaused && !isStopped) socket.resume()
          if (isEmpty) isPaused = false
          return { weight, isEmpty }
        },
      }
      return {
        push(bytes) {
          if (isStopped) return
          const isWaiting = rest !== undefined
          rest = rest === undefined ? bytes : Buffer.concat([rest.subarray(at), bytes])
          at = 0
          if (isWaiting) return
          schedule()
          if (withShare.length + withoutShare.length === 0 && turnShare > 0) {
            one.share = sliceWeight
            if (serve(one)) return
          }
          isPaused = true
          socket.pause()
          enqueue(one)
        },
        stop() {
          isStopped = true
          rest = undefined
        },
      }
    },
  }
}
