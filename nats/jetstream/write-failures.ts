/** Consecutive failures after which a stream counts as broken: a single one may be a leader election. */
const minFailures = 2
/** Age at which a failure expires, in milliseconds: there may have been no write since. */
const expireAfterMs = 30_000

/** Remembers which streams failed the writes of ordinary calls. */
export interface WriteFailures {
  /** Records the outcome of a write; no `failure` means that it was committed. */
  note(subject: string, failure?: Error): void
  /** Clears all failures, because the server may have been replaced. */
  clear(): void
  /** The constant prefixes of the subjects whose writes fail. */
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
      const oldest = performance.now() - expireAfterMs
      for (const [group, { at }] of failed) if (at < oldest) failed.delete(group)
      return [...failed].filter(([, { count }]) => count >= minFailures).map(([group]) => group)
    },
  }
}

/** `$KV.images` for `$KV.images.local.x`, `events` for `events.local._.x`: one name per stream. */
function groupOf(subject: string): string {
  return subject.split('.', subject.startsWith('$') ? 2 : 1).join('.')
}
