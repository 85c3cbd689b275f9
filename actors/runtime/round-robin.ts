import type { BacklogEntry } from '@pixelflow/core/ports/backlog'

/** Waiting jobs, taken round-robin by account, so that many jobs of one account do not delay other accounts. */
export interface RoundRobin {
  /** Number of waiting jobs. */
  readonly size: number
  /** Adds a job. The jobs of an account are added in the order of their sequences. */
  add(entry: BacklogEntry): void
  /** Puts jobs that were taken back to the front of their accounts. */
  putBack(entries: readonly BacklogEntry[]): void
  /** Takes up to `limit` jobs, one account after the other, and at most `limitOf(account)` of each. */
  take(limit: number, limitOf: (account: string) => number): BacklogEntry[]
  has(seq: number): boolean
}

export function createRoundRobin(): RoundRobin {
  /** The next account comes first; an account that was served moves to the end. */
  const queues = new Map<string, SequenceQueue>()
  let size = 0

  const queueOf = (account: string): SequenceQueue => {
    const queue = queues.get(account) ?? createSequenceQueue()
    queues.set(account, queue)
    return queue
  }

  return {
    get size() {
      return size
    },
    add({ account, seq }) {
      queueOf(account).push(seq)
      size += 1
    },
    putBack(entries) {
      for (const { account, seq } of entries.toReversed()) queueOf(account).unshift(seq)
      size += entries.length
    },
    take(limit, limitOf) {
      const taken: BacklogEntry[] = []
      const remaining = new Map<string, number>()
      // The loop meets accounts again that it moves to the end. An account at its limit keeps its position.
      for (const [account, queue] of queues) {
        if (taken.length >= limit) break
        const left = remaining.get(account) ?? limitOf(account)
        if (left <= 0) continue
        remaining.set(account, left - 1)
        taken.push({ account, seq: queue.shift() })
        queues.delete(account)
        if (queue.length > 0) queues.set(account, queue)
      }
      size -= taken.length
      return taken
    },
    has: (seq) => queues.values().some((queue) => queue.has(seq)),
  }
}

interface SequenceQueue {
  readonly length: number
  push(seq: number): void
  unshift(seq: number): void
  shift(): number
  has(seq: number): boolean
}

const compactAfter = 1024

/** A FIFO queue of ascending numbers in one array: a million take some megabytes. */
function createSequenceQueue(): SequenceQueue {
  let seqs: number[] = []
  let head = 0
  return {
    get length() {
      return seqs.length - head
    },
    push: (seq) => void seqs.push(seq),
    unshift(seq) {
      if (head > 0) seqs[(head -= 1)] = seq
      else seqs.unshift(seq)
    },
    shift() {
      const seq = seqs[head] as number
      head += 1
      if (head > compactAfter && head > seqs.length / 2) {
        seqs = seqs.slice(head)
        head = 0
      }
      return seq
    },
    has(seq) {
      let from = head
      for (let to = seqs.length; from < to;) {
        const middle = (from + to) >>> 1
        if ((seqs[middle] as number) < seq) from = middle + 1
        else to = middle
      }
      return seqs[from] === seq
    },
  }
}
