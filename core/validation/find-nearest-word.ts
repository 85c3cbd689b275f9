/** The candidate nearest to a misspelt word; undefined if none is close. */
export function findNearestWord(word: string, candidates: readonly string[]): string | undefined {
  // Bounds the time; text of this length is not a misspelt name.
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

/** The Levenshtein distance: the number of insertions, deletions and replacements between two words. */
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
