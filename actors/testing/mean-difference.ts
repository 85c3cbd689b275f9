/** Mean absolute difference of two equally long lists of levels. */
export function meanDifference(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((sum, level, i) => sum + Math.abs(level - (other[i] ?? 0)), 0) / one.length
}
