import { Fault } from '@pixelflow/core/fault'
import { hasDescendants } from './has-descendants.ts'
import { invalidMessage } from './invalid-message.ts'
import { readCpuMs } from './read-cpu-ms.ts'
import { readResidentBytes } from './read-resident-bytes.ts'

/** Limits of one work item. */
export interface WorkLimits {
  /** Wall-clock limit in milliseconds. */
  readonly timeLimitMs: number
  readonly maxRssBytes: number
  /** CPU time of all threads of the process, in milliseconds. */
  readonly maxCpuMs: number
}

/** Watches a worker process while it works. */
export interface WorkWatch {
  /** A work item begins; `onExceeded` is called once when it exceeds a limit, until it is disposed. */
  begin(limits: WorkLimits, onExceeded: (fault: Fault) => void): Disposable
  /** Ends the watch. */
  stop(): void
}

const tickMs = 50
/** Reading the CPU time and, where there is no /proc, the memory is done less often, every so many ticks. */
const slowTicks = 10
const psTicks = 5

interface WatchedWork extends WorkLimits {
  readonly onExceeded: (fault: Fault) => void
  readonly startedAt: number
  ticks: number
  /** CPU time of the process when the work began; undefined before the first tick. */
  cpuBeforeMs: number | undefined
}

/**
 * One timer for all limits, which runs over several work items: work that is shorter than a tick is not slowed down by
 * reading /proc. Kernel limits do not serve: without privileges only address space can be limited, and the JavaScript
 * runtime reserves far more of it than it uses.
 */
export function createWorkWatch(pid: number): WorkWatch {
  let current: WatchedWork | undefined
  let timer: NodeJS.Timeout | undefined
  let isReading = false

  const stop = () => {
    clearInterval(timer)
    timer = undefined
  }
  const checkMemory = async (work: WatchedWork) => {
    if (isReading) return
    isReading = true
    const bytes = await readResidentBytes(pid)
    isReading = false
    if (bytes > work.maxRssBytes) end(work, memoryExceeded(work.maxRssBytes))
  }
  const checkCpu = (work: WatchedWork, now: number) => {
    const usedMs = readCpuMs(pid)
    // One thread has probably worked since the start.
    work.cpuBeforeMs ??= usedMs - (now - work.startedAt)
    if (usedMs - work.cpuBeforeMs > work.maxCpuMs) end(work, cpuTimeExceeded(work.maxCpuMs))
  }
  const end = (work: WatchedWork, fault: Fault) => {
    if (current !== work) return
    current = undefined
    work.onExceeded(fault)
  }
  const tick = () => {
    const work = current
    if (work === undefined) return stop()
    const now = performance.now()
    if (now - work.startedAt >= work.timeLimitMs) return end(work, wallClockExceeded(work.timeLimitMs))
    if (hasDescendants(pid)) return end(work, invalidMessage())
    if (process.platform === 'linux' || work.ticks % psTicks === 0) void checkMemory(work)
    if (work.ticks % slowTicks === 0) checkCpu(work, now)
    work.ticks += 1
  }

  return {
    begin(limits, onExceeded) {
      const work: WatchedWork = {
        ...limits,
        onExceeded,
        startedAt: performance.now(),
        ticks: 0,
        cpuBeforeMs: undefined,
      }
      current = work
      timer ??= setInterval(tick, tickMs)
      return {
        [Symbol.dispose]() {
          if (current === work) current = undefined
        },
      }
    },
    stop,
  }
}

const lessWork = 'Use a smaller image, fewer or lighter steps, or a lower effort.'

function wallClockExceeded(limitMs: number): Fault {
  return new Fault('deadline_exceeded', `Processing took longer than ${limitMs / 1000} s.`, {
    remedy: lessWork,
  })
}

function cpuTimeExceeded(limitMs: number): Fault {
  return new Fault('deadline_exceeded', `Processing took more than ${limitMs / 1000} s of processor time.`, {
    remedy: lessWork,
  })
}

function memoryExceeded(limitBytes: number): Fault {
  const mebibytes = Math.round(limitBytes / 1024 / 1024)
  return new Fault('resource_limit_exceeded', `Processing needed more than ${mebibytes} MiB of memory.`, {
    remedy: 'Resize first, or use a smaller image.',
  })
}
