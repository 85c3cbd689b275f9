/** Bytes that a process has read and written with the calls `read` and `write`, of files, pipes and some sockets. */
export interface FileTraffic {
  readonly read: number
  readonly written: number
}

/** Sums `/proc/PID/io` of processes. */
export async function readFileBytes(pids: readonly number[]): Promise<FileTraffic> {
  const all = await Promise.all(
    pids.map((pid) =>
      Bun.file(`/proc/${pid}/io`)
        .text()
        .catch(() => ''),
    ),
  )
  return all
    .map(parseFileBytes)
    .reduce((sum, one) => ({ read: sum.read + one.read, written: sum.written + one.written }), {
      read: 0,
      written: 0,
    })
}

/** Parses proc(5) io. */
export function parseFileBytes(text: string): FileTraffic {
  const bytes = (field: string) => Number(new RegExp(`^${field}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  return { read: bytes('rchar'), written: bytes('wchar') }
}
