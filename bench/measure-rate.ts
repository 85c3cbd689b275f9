/** Runs `work` for the numbers 0 to `count` − 1, `concurrency` at a time. @returns how many were done per second. */
export async function measureRate(
  count: number,
  concurrency: number,
  work: (serial: number) => Promise<void>,
): Promise<number> {
  let next = 0
  const runNext = async () => {
    while (next < count) {
      const serial = next
      next += 1
      await work(serial)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: concurrency }, runNext))
  return count / ((performance.now() - startedAt) / 1000)
}
