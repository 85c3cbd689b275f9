import { cpus } from 'node:os'

const sampleMs = 2000

/** How many cores other programs use, measured over two seconds in which this program does nothing. */
export async function measureOtherLoad(): Promise<number> {
  const before = readTimes()
  await Bun.sleep(sampleMs)
  const after = readTimes()
  const busy = after.busy - before.busy
  const total = busy + after.idle - before.idle
  return (busy / total) * cpus().length
}

function readTimes(): { busy: number; idle: number } {
  let [busy, idle] = [0, 0]
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    idle += times.idle
  }
  return { busy, idle }
}
