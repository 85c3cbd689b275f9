import type { Socket } from 'node:net'
import { createFrameSlicer, sliceWeight } from './frame-slicer.ts'

/**
 * Hands the bytes of all HTTP/2 connections to their sessions in slices, and only so much in each turn of the event loop.
 * A burst of many calls would otherwise be worked off before anything else of the process is served: the HTTP port,
 * timers, the connection to NATS, other clients.
 *
 * Connections take turns (deficit round robin). A connection that has used less than its share since its last turn goes
 * ahead of those that wait for another share, so that a call on a quiet connection does not wait for a whole round of a
 * burst. Every second slice belongs to those that wait, so that new connections cannot starve them.
 */
export interface ReadScheduler {
  /** @param read Takes the bytes of the connection, in their order. */
  connect(socket: ReadSocket, read: (bytes: Uint8Array) => void): ScheduledReads
  /** Connections whose bytes wait now. */
  readonly waiting: number
}

/** As much of a socket as is used. */
export type ReadSocket = Pick<Socket, 'pause' | 'resume' | 'destroyed'>

export interface ScheduledReads {
  /**
   * Takes bytes that have come. The socket is paused while bytes of it wait, so that one read of the socket is held for
   * each connection and no more.
   */
  push(bytes: Uint8Array): void
  /** Drops what waits. Nothing is read any more, and the socket stays as it is. */
  stop(): void
}

interface Connection {
  /** What its frames may weigh until it has to wait for another share. */
  share: number
  /** Hands over the next slice, of at most this weight. */
  serve(most: number): { readonly weight: number; readonly isEmpty: boolean }
}

/** @param nextTurn Calls back in the next turn of the event loop, after the process has looked for input. */
export function createReadScheduler(
  nextTurn: (turn: () => void) => void = (turn) => void setImmediate(turn),
): ReadScheduler {
  /** Those that have some of their share left, and those that wait for another. */
  const early: Connection[] = []
  const late: Connection[] = []
  let wasEarly = false
  let isScheduled = false
  /** What may still be read in this turn; the last slice of a turn may exceed it. */
  let turnShare = sliceWeight

  const schedule = (): void => {
    if (!isScheduled) nextTurn(turn)
    isScheduled = true
  }

  /** Serves one slice; true when nothing of the connection waits any more. */
  const serve = (one: Connection): boolean => {
    const { weight, isEmpty } = one.serve(one.share)
    // A slice from the middle of a frame weighs nothing.
    const cost = Math.max(1, weight)
    one.share -= cost
    turnShare -= cost
    return isEmpty
  }

  const enqueue = (one: Connection): void => void (one.share > 0 ? early : late).push(one)

  const takeNext = (): Connection | undefined => {
    wasEarly = early.length > 0 && !(wasEarly && late.length > 0)
    if (wasEarly) return early.shift()
    const one = late.shift()
    if (one) one.share = sliceWeight
    return one
  }

  function turn(): void {
    isScheduled = false
    turnShare = sliceWeight
    if (early.length + late.length > 0) schedule()
    while (turnShare > 0) {
      const one = takeNext()
      if (!one) return
      if (!serve(one)) enqueue(one)
    }
  }

  return {
    get waiting() {
      return early.length + late.length
    },
    connect(socket, read) {
      const slicer = createFrameSlicer()
      let rest: Uint8Array | undefined
      let at = 0
      let isStopped = false
      let isPaused = false
      const one: Connection = {
        share: sliceWeight,
        serve(most) {
          if (rest === undefined || socket.destroyed) {
            rest = undefined
            return { weight: 0, isEmpty: true }
          }
          const { end, weight } = slicer.next(rest, at, most)
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
          if (early.length + late.length === 0 && turnShare > 0) {
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
