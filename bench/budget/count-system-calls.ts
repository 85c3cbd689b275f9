import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from '@pixelflow/testkit/process'

/**
 * Counts the system calls of processes with all threads while `work` runs. The processes run several times slower meanwhile.
 * @returns the calls by name; undefined when there is no strace.
 */
export async function countSystemCalls(
  groups: Readonly<Record<string, readonly number[]>>,
  work: () => Promise<void>,
): Promise<Record<string, Record<string, number>> | undefined> {
  const strace = Bun.which('strace')
  if (strace === null) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-strace-'))
  try {
    const running = Object.entries(groups).map(([name, pids]) => ({
      name,
      count: pids.length,
      tracer: launch({
        command: [
          strace,
          '-f',
          '-c',
          '-o',
          join(folder, name),
          ...pids.flatMap((pid) => ['-p', String(pid)]),
        ],
      }),
    }))
    for (const { tracer, count } of running) {
      let attached = 0
      await tracer.line((line) => /attached/.test(line) && (attached += 1) === count)
    }
    await work()
    for (const { tracer } of running) tracer.signal('SIGINT')
    await Promise.all(running.map(({ tracer }) => tracer.exited))
    const tables = running.map(async ({ name }) => [
      name,
      parseStraceTable(await Bun.file(join(folder, name)).text()),
    ])
    return Object.fromEntries(await Promise.all(tables)) as Record<string, Record<string, number>>
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Parses the table that `strace -c` writes: the number of calls of each system call. */
export function parseStraceTable(text: string): Record<string, number> {
  const rows = text.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?([a-z]\w*)$/gm)
  return Object.fromEntries(
    [...rows].filter(([, , name]) => name !== 'total').map(([, calls, name]) => [name, Number(calls)]),
  )
}

/** Groups of system calls by what they are for. */
const kinds: readonly (readonly [kind: string, names: RegExp])[] = [
  ['files opened', /^(open|openat|creat)$/],
  [
    'files changed',
    /^(rename|renameat2?|unlink|unlinkat|rmdir|mkdir|mkdirat|link|linkat|ftruncate|fallocate)$/,
  ],
  ['file writes and syncs', /^(pwrite64|pwritev2?|fsync|fdatasync|msync)$/],
  ['writes', /^(write|writev|sendto|sendmsg|sendmmsg)$/],
  ['reads', /^(read|readv|pread64|recvfrom|recvmsg|recvmmsg)$/],
  ['locks between threads', /^futex$/],
  ['timers', /^(timerfd_settime|timer_settime|setitimer|nanosleep|clock_nanosleep)$/],
  ['waits for events', /^(epoll_p?wait2?|poll|ppoll|select|pselect6)$/],
]

/** Sums system calls by kind, divided by the number of tasks; the others are under `other`. */
export function groupSystemCalls(
  calls: Readonly<Record<string, number>>,
  tasks: number,
): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, count] of Object.entries(calls)) {
    const kind = kinds.find(([, names]) => names.test(name))?.[0] ?? 'other'
    sums[kind] = (sums[kind] ?? 0) + count / tasks
  }
  return sums
}
