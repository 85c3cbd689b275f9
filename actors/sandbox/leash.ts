/** What is put before a child's command line so that it can neither outlive its parent nor fill the disk. */
export interface Leash {
  /** The most bytes one file written by the child may have. */
  readonly maxFileBytes: number
}

/**
 * The command of a child that dies with its parent, gains no privileges, dumps no core and writes no endless file, as
 * far as this machine's tools allow. A child also watches its pipe, so it ends with its parent on any machine.
 */
export function leashed(command: readonly string[], leash: Leash): string[] {
  const blocks = Math.ceil(leash.maxFileBytes / 512)
  return [
    ...(works([...setpriv, 'true']) ? setpriv : []),
    // `exec` keeps the process id; ulimit -f counts blocks of 512 bytes.
    '/bin/sh',
    '-c',
    `ulimit -c 0; ulimit -f ${blocks}; exec "$@"`,
    'sh',
    ...command,
  ]
}

const setpriv = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', '--']

/** Not every setpriv can do this, BusyBox's for one, and other systems have none: a trial tells. */
function works(command: string[]): boolean {
  if (process.platform !== 'linux') return false
  try {
    return Bun.spawnSync(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }).exitCode === 0
  } catch {
    return false
  }
}
