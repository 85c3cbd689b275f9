import type { BacklogEntry } from '@pixelflow/core/ports/backlog'

/** Who waits, so arranged that every account's turn comes as often as any other's, however many wait behind it. */
export interface RoundRobin {
  /** How many wait. */
  readonly size: number
  /** Each account's come in the order of their seqs. */
  add(waiting: BacklogEntry): void
  /** What was taken in vain is the first of its account again. */
  putBack(waiting: readonly BacklogEntry[]): void
  /** Takes up to `room`, of one account after the other, and of none more than `roomOf` says. */
  take(room: number, roomOf: (account: string) => number): BacklogEntry[]
  has(seq: number): boolean
}

export function createRoundRobin(): RoundRobin {
  /** Whose turn is next comes first: whoever has had it goes to the end. */
  const lines = new Map<string, Line>()
  let size = 0

  const lineOf = (account: string): Line => {
    const line = lines.get(account) ?? createLine()
    lines.set(account, line)
    return line
  }

  return {
    get size() {
      return size
    },
    add({ account, seq }) {
      lineOf(account).push(seq)
      size += 1
    },
    putBack(waiting) {
      for (const { account, seq } of waiting.toReversed()) lineOf(account).unshift(seq)
      size += waiting.length
    },
    take(room, roomOf) {
      const taken: BacklogEntry[] = []
      const left = new Map<string, number>()
      // Whoever is put at the end meanwhile is met again; whoever may have no more stays where he is, and is not.
      for (const [account, line] of lines) {
        if (taken.length >= room) break
        const may = left.get(account) ?? roomOf(account)
        if (may <= 0) continue
        left.set(account, may - 1)
        taken.push({ account, seq: line.shift() })
        lines.delete(account)
        if (line.length > 0) lines.set(account, line)
      }
      size -= taken.length
      return taken
    },
    has: (seq) => lines.values().some((line) => line.has(seq)),
  }
}

interface Line {
  readonly length: number
  push(seq: number): void
  unshift(seq: number): void
  shift(): number
  has(seq: number): boolean
}

const longestPast = 1024

/** Numbers in their order, of which a million take some megabytes. */
function createLine(): Line {
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
      if (head > longestPast && head > seqs.length / 2) {
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
