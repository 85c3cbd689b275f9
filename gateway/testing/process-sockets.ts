import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The sockets of this process, as the kernel lists them in /proc for every user. */
export interface ProcessSockets {
  /** Listening ports. */
  readonly listening: readonly number[]
  /** Local ports of open connections. */
  readonly connected: readonly number[]
  /** Paths of unix sockets. */
  readonly paths: readonly string[]
}

const listenState = '0A'

export function readProcessSockets(): ProcessSockets {
  const own = inodes()
  const tcp = ['tcp', 'tcp6'].flatMap((name) =>
    rows(name)
      .map((row) => ({ local: row[1] ?? '', state: row[3] ?? '', inode: row[9] ?? '' }))
      .filter(({ inode }) => own.has(inode))
      .map(({ local, state }) => ({ port: Number.parseInt(local.split(':')[1] ?? '', 16), state })),
  )
  const portsIn = (isWanted: (state: string) => boolean) => [
    ...new Set(tcp.filter(({ state }) => isWanted(state)).map(({ port }) => port)),
  ]
  return {
    listening: portsIn((state) => state === listenState),
    connected: portsIn((state) => state !== listenState),
    paths: rows('unix').flatMap((row) => (own.has(row[6] ?? '') && row[7]?.startsWith('/') ? [row[7]] : [])),
  }
}

function rows(table: string): string[][] {
  const lines = readFileSync(`/proc/self/net/${table}`, 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => line.trim().split(/\s+/))
}

function inodes(): Set<string> {
  const found = new Set<string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
      if (inode !== undefined) found.add(inode)
    } catch {
      // The descriptor was closed after readdir.
    }
  }
  return found
}
