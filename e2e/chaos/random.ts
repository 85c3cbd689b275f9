/** Pseudo-random numbers: equal seeds give equal sequences. */
export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number
  chance(probability: number): boolean
  /** A number from `min` up to `max`. */
  between(min: number, max: number): number
  pick<T>(list: readonly T[]): T
  /** An independent generator, seeded from this one. */
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
    between: (min, max) => min + (max - min) * next(),
    pick(list) {
      const item = list[Math.floor(next() * list.length)]
      if (item === undefined) throw new Error('Cannot pick from an empty list.')
      return item
    },
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  }
}
