/** Waits until something holds: what follows an answer, as tidying up does, is not over with it. @throws Error when it takes too long. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`It did not come to pass within ${withinMs} ms.`)
    await Bun.sleep(5)
  }
}
