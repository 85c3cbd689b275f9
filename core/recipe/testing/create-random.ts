/** Pseudo-random numbers from 0 to below 1, the same on every machine; equal seeds give equal numbers. */
export function createRandom(seed: number): () => number {
  let state = seed | 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
