/** The candidate that a mistyped word most likely means; undefined when none is close. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  // A long word is not a typing error of a short one.
  if (word.length > 40) return undefined
  const typed = word.toLowerCase()
  const ranked = candidates
    .map((name) => ({ name, distance: typed.length > 1 && name.startsWith(typed) ? 1 : edits(typed, name) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.name.length / 3))
    ? best.name
    : undefined
}

/** Insertions, deletions and replacements that turn one word into the other (Levenshtein). */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
