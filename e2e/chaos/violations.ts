/** What must never happen. */
const kinds = [
  // A task that did not end or is missing; that ended, or was created, twice; or that did not end as expected.
  'lostTasks',
  'duplicateEnds',
  'duplicateTasks',
  'wrongResults',
  'wrongBytes',
  'wrongFaults',
  'failedWithoutFault',
  'cancelUndone',
  'deleteUndone',
  // Events as followers received them.
  'missedEvents',
  'unknownEvents',
  'duplicateEvents',
  'eventsOutOfOrder',
  // Gateways that disagree about one task, or about the list of tasks.
  'gatewaysDiffer',
  'listsDiffer',
  // Still stored after everything was deleted and swept.
  'orphanBytes',
  'leftoverMessages',
  // Calls that were not answered in time.
  'lateAnswers',
  // Processes that did not start again.
  'notRestarted',
] as const
export type Violation = (typeof kinds)[number]

/** Counts what must never happen, with examples. */
export interface Violations {
  add(kind: Violation, where: string, times?: number): void
  readonly counts: Readonly<Record<Violation, number>>
  readonly isEmpty: boolean
  /** The first 50. */
  readonly examples: readonly string[]
}

export function createViolations(): Violations {
  const counts = Object.fromEntries(kinds.map((one) => [one, 0])) as Record<Violation, number>
  const examples: string[] = []
  return {
    counts,
    get isEmpty() {
      return Object.values(counts).every((count) => count === 0)
    },
    examples,
    add(kind, where, times = 1) {
      if (times === 0) return
      counts[kind] += times
      if (examples.length < 50) examples.push(`${kind}: ${where}`)
    },
  }
}
