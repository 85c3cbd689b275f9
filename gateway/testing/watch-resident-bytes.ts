import { residentBytes } from '@pixelflow/testkit/process'

/** Resident memory of a gateway with the memory settings as they are by default, whatever is sent to it; see docs/operating.md. */
export const maxResidentBytes = 640 * 2 ** 20

/** The most resident memory of a process that is seen from now on. */
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
