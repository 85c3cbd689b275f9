/**
 * The time of an append travels in the event, as the name of the actor, because the times of events have milliseconds only. The clock is
 * the wall clock in microseconds, read in steps of a millisecond and continued with the monotonic clock of the process.
 */

const ticks = 20

/** Milliseconds between the wall clock and `performance.now()`. A late look at a tick makes it smaller, so the largest is right. */
function readOffset(): number {
  let offset = -Infinity
  for (let tick = 0; tick < ticks; tick += 1) {
    const before = Date.now()
    while (Date.now() === before) continue
    const now = performance.now()
    offset = Math.max(offset, before + 1 - now)
  }
  return offset
}

/** Starts a clock of microseconds that agrees with those of other processes to some microseconds. Takes 20 ms. */
export function startSharedClock(): () => number {
  const offset = readOffset()
  return () => Math.round((offset + performance.now()) * 1000)
}

/** Name of an actor that contains a time. */
export function createTimeName(us: number): string {
  return `at-${us}`
}

const longestName = 64

/** Finds all times in the text of an event stream. `rest` is the end of the text, which may have the beginning of a name. */
export function parseTimes(text: string): { times: number[]; rest: string } {
  let end = 0
  const times = [...text.matchAll(/"at-(\d+)"/g)].map((match) => {
    end = match.index + match[0].length
    return Number(match[1])
  })
  return { times, rest: text.slice(Math.max(end, text.length - longestName)) }
}
