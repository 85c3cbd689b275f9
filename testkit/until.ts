/**
 * Polls until `holds` returns true, in tests that wait for an asynchronous effect such as a clean-up after an answer.
 *
 * @throws Error that shows the condition and its last error, when it does not hold within `withinMs`.
 */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Not true within ${withinMs} ms: ${holds.toString()}`)
    await Bun.sleep(5)
  }
}
