/** What is put before a child's command line so that it can neither outlive its parent nor use up the machine. */
export interface LauncherLimits {
  /** The most bytes one file written by the child may have. */
  readonly maxFileBytes: number
  /** The most files, pipes and sockets it may hold open. */
  readonly maxOpenFiles: number
}

export interface WorkerLauncher {
  /** The whole command line. */
  readonly command: string[]
  /** Whether the child has no network, not even the loopback. */
  readonly hasNoNetwork: boolean
  /** Whether the kernel ends it with its parent and lets it gain no privileges; else it watches its pipe alone. */
  readonly isBound: boolean
}

/**
 * The command of a child that reaches no network, dies with its parent, gains no privileges, dumps no core and writes
 * no endless file, as far as this machine's kernel and tools allow. A child also watches its pipe, so it ends with its
 * parent on any machine.
 */
export function createWorkerLauncher(
  command: readonly string[],
  { maxFileBytes, maxOpenFiles }: LauncherLimits,
): WorkerLauncher {
  // A namespace of one's own takes privileges, or a user namespace; containers often allow neither.
  const alone = namespaces.find((prefix) => works([...prefix, 'true'])) ?? []
  const bound = works([...alone, ...setpriv, 'true']) ? setpriv : []
  // ulimit -f counts blocks of 512 bytes; `exec` keeps the process id.
  const limits = `ulimit -c 0; ulimit -n ${maxOpenFiles}; ulimit -f ${Math.ceil(maxFileBytes / 512)}; exec "$@"`
  return {
    // In this order: a change of namespaces makes the kernel forget whose death to follow.
    command: [...alone, ...bound, '/bin/sh', '-c', limits, 'sh', ...command],
    hasNoNetwork: alone.length > 0,
    isBound: bound.length > 0,
  }
}

const namespaces = [
  ['unshare', '--net', '--'],
  ['unshare', '--user', '--map-current-user', '--net', '--'],
]
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
