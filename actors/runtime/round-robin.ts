import type { Waiting } from '@pixelflow/core/ports/backlog'

/** Who waits, so arranged that every account's turn comes as often as any other's, however many wait behind it. */
export interface RoundRobin {
  /** How many wait. */
  readonly size: number
  /** Each account's come in the order of their tickets. */
  add(waiting: Waiting): void
  /** What was taken in vain is the first of its account again. */
  putBack(waiting: readonly Waiting[]): void
  /** Takes up to `room`, of one account after the other, and of none more than `roomOf` says. */
  take(room: number, roomOf: (account: string) => number): Waiting[]
  has(ticket: number): boolean
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
    add({ account, ticket }) {
      lineOf(account).push(ticket)
      size += 1
    },
    putBack(waiting) {
      for (const { account, ticket } of waiting.toReversed()) lineOf(account).unshift(ticket)
      size += waiting.length
    },
    take(room, roomOf) {
      const taken: Waiting[] = []
      const left = new Map<string, number>()
      // Whoever is put at the end meanwhile is met again; whoever may have no more stays where he is, and is not.
      for (const [account, line] of lines) {
        if (taken.length >= room) break
        const may = left.get(account) ?? roomOf(account)
        if (may <= 0) continue
        left.set(account, may - 1)
        taken.push({ account, ticket: line.shift() })
        lines.delete(account)
        if (line.length > 0) lines.set(account, line)
      }
      size -= taken.length
      return taken
    },
    has: (ticket) => lines.values().some((line) => line.has(ticket)),
  }
}

interface Line {
  readonly length: number
  push(ticket: number): void
  unshift(ticket: number): void
  shift(): number
  has(ticket: number): boolean
}

const longestPast = 1024

/** Numbers in their order, of which a million take some megabytes. */
function createLine(): Line {
  let tickets: number[] = []
  let head = 0
  return {
    get length() {
      return tickets.length - head
    },
    push: (ticket) => void tickets.push(ticket),
    unshift(ticket) {
      if (head > 0) tickets[(head -= 1)] = ticket
      else tickets.unshift(ticket)
    },
    shift() {
      const ticket = tickets[head] as number
      head += 1
      if (head > longestPast && head > tickets.length / 2) {
        tickets = tickets.slice(head)
        head = 0
      }
      return ticket
    },
    has(ticket) {
      let from = head
      for (let to = tickets.length; from < to;) {
        const middle = (from + to) >>> 1
        if ((tickets[middle] as number) < ticket) from = middle + 1
        else to = middle
      }
      return tickets[from] === ticket
    },
  }
}
