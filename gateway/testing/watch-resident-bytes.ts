import { residentBytes } from '@pixelflow/testkit/process'

/** Upper bound for the resident memory of a gateway with default memory settings under any load; see docs/operating.md. */
export const maxResidentBytes = 640 * 2 ** 20

/** Records the largest resident memory of a process from now on. */
export function watchResidentBytes(pid: number): { stop(): Promise<number> } {
  let most = 0
  let isOver = false
  const watching = (async () => {
    for (; !isOver; await Bun.sleep(50)) most = Math.max(most, await residentBytes(pid))
    return most
  })()
  return {
    stop() {
      isOver = true
      return watching
    },
  }
}
