/** A file of the ring belongs to one process, and its name says which. Names sort by age. */
export interface RingFile {
  readonly name: string
  /** When the file was started, in milliseconds since 1970. */
  readonly startedMs: number
  readonly service: string
  readonly pid: number
}

const pattern = /^(\d{13})-(\d{4})-([a-z]+)-(\d+)\.jsonl$/

/** `serial` tells files apart that one process starts in the same millisecond. */
export function ringFileName({ startedMs, service, pid }: Omit<RingFile, 'name'>, serial: number): string {
  const time = String(Math.floor(startedMs)).padStart(13, '0')
  return `${time}-${String(serial % 10_000).padStart(4, '0')}-${service}-${pid}.jsonl`
}

/** The files of the ring among the names of a folder, oldest first. */
export function ringFiles(names: readonly string[]): RingFile[] {
  return [...names].sort().flatMap((name) => {
    const [, time, , service, pid] = pattern.exec(name) ?? []
    if (service === undefined) return []
    return [{ name, startedMs: Number(time), service, pid: Number(pid) }]
  })
}
