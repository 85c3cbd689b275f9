/** Chance that can be had again: equal seeds give equal sequences. */
export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number
  chance(probability: number): boolean
  /** A number from `least` up to `most`. */
  between(least: number, most: number): number
  pick<T>(list: readonly T[]): T
  /** Another one, of which the same holds. */
  fork(): Random
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    chance: (probability) => next() < probability,
    between: (least, most) => least + (most - least) * next(),
    pick(list) {
      const found = list[Math.floor(next() * list.length)]
      if (found === undefined) throw new Error('Nothing to choose from.')
      return found
    },
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  }
}
