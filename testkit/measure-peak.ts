const readEveryMs = 20

/** The largest value that `read` returns while `work` runs. Fails with the error of either. */
export async function measurePeak(
  read: () => number | Promise<number>,
  work: () => Promise<void>,
): Promise<number> {
  let isDone = false
  let peak = -Infinity
  const poll = async () => {
    do {
      peak = Math.max(peak, await read())
      await Bun.sleep(readEveryMs)
    } while (!isDone)
  }
  const finish = async () => {
    try {
      await work()
    } finally {
      isDone = true
    }
  }
  await Promise.all([poll(), finish()])
  return peak
}
