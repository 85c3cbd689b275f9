/** Failures in a row after which the writes of a stream count as broken: a single one may be an election. */
const failuresInRow = 2
/** A failure is forgotten after so long, in milliseconds: there may have been no write since. */
const forgetAfterMs = 30_000

/** What the writes that calls make anyway tell of the store. */
export interface WriteFailures {
  /** Notes what became of a write: undefined for one that has been committed. */
  note(subject: string, failure?: Error): void
  /** Forgets everything: the server may be another one now. */
  clear(): void
  /** Subjects, up to the part that varies, whose writes fail. */
  readonly failing: readonly string[]
}

export function createWriteFailures(): WriteFailures {
  const failed = new Map<string, { count: number; at: number }>()
  return {
    note(subject, failure) {
      if (failure === undefined && failed.size === 0) return
      const group = groupOf(subject)
      if (failure === undefined) failed.delete(group)
      else failed.set(group, { count: (failed.get(group)?.count ?? 0) + 1, at: performance.now() })
    },
    clear: () => failed.clear(),
    get failing() {
      const oldest = performance.now() - forgetAfterMs
      for (const [group, { at }] of failed) if (at < oldest) failed.delete(group)
      return [...failed].filter(([, { count }]) => count >= failuresInRow).map(([group]) => group)
    },
  }
}

/** `$KV.images` of `$KV.images.local.x`, `events` of `events.local._.x`: what lies in one stream. */
function groupOf(subject: string): string {
  return subject.split('.', subject.startsWith('$') ? 2 : 1).join('.')
}
