/** `a, b and c`, or `a, b or c`. */
export function joinWords(words: readonly string[], type: 'and' | 'or' = 'and'): string {
  const types = { and: 'conjunction', or: 'disjunction' } as const
  return new Intl.ListFormat('en', { type: types[type] }).format(words)
}
