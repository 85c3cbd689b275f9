import { readdir } from 'node:fs/promises'
import { msUntilTick } from '../ticks.ts'
import type { Meters } from './meters.ts'

/** Metrics of every process, with the names that the Prometheus client libraries use. */
export const processMetrics = {
  build: {
    kind: 'gauge',
    name: 'pixelflow_build_info',
    help: 'Always 1, labelled by version and runtime.',
    labels: ['version', 'runtime'],
  },
  started: {
    kind: 'gauge',
    name: 'process_start_time_seconds',
    help: 'Start time of the process, as a Unix timestamp.',
    labels: [],
  },
  cpu: {
    kind: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'CPU time used, user and system.',
    labels: [],
  },
  resident: {
    kind: 'gauge',
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    labels: [],
  },
  files: {
    kind: 'gauge',
    name: 'process_open_fds',
    help: 'Open file descriptors. Only on Linux.',
    labels: [],
  },
  lag: {
    kind: 'histogram',
    name: 'pixelflow_event_loop_lag_seconds',
    help: 'Delay of an event-loop timer, sampled once per second.',
    labels: [],
    bounds: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
} as const

const lagEveryMs = 1000

/** Starts measuring this process; disposing stops. */
export function watchProcess(meters: Meters<typeof processMetrics>, version: string): Disposable {
  meters.gauge('build')(1, { version, runtime: `bun ${Bun.version}` })
  const startedAt = Date.now() / 1000 - process.uptime()
  meters.observe('started', () => startedAt)
  meters.observe('cpu', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  meters.observe('resident', () => process.memoryUsage.rss())
  if (process.platform === 'linux') {
    const files = meters.gauge('files')
    meters.beforeCollect(async () => files((await readdir('/proc/self/fd')).length, {}))
  }
  const late = meters.histogram('lag')
  let timer: Timer
  const sample = () => {
    const waitMs = msUntilTick(lagEveryMs)
    const due = performance.now() + waitMs
    timer = setTimeout(() => {
      late(Math.max(0, performance.now() - due) / 1000, {})
      sample()
    }, waitMs).unref()
  }
  sample()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
