/** Resource limits of a worker process, set with ulimit. */
export interface LauncherLimits {
  /** Size limit of a file that the process writes, in bytes. */
  readonly maxFileBytes: number
  /** Limit of open files, pipes and sockets. */
  readonly maxOpenFiles: number
}

/** The command line of a worker process, with the commands before it that confine it. */
export interface WorkerLauncher {
  readonly command: string[]
  /** Whether the process has no network, not even loopback. */
  readonly hasNoNetwork: boolean
  /** Whether the kernel kills the process with its parent and denies new privileges; else only the pipe ends it. */
  readonly isBound: boolean
}

/**
 * Confines a command as far as this kernel and its tools allow: no network, killed with its parent, no new privileges,
 * no core dump, limited files. On every system a worker also ends when its pipe closes.
 */
export function createWorkerLauncher(
  command: readonly string[],
  { maxFileBytes, maxOpenFiles }: LauncherLimits,
): WorkerLauncher {
  // A network namespace needs privileges or a user namespace. Many containers allow neither.
  const namespace = namespaces.find((prefix) => works([...prefix, 'true'])) ?? []
  const bound = works([...namespace, ...setpriv, 'true']) ? setpriv : []
  // ulimit -f counts blocks of 512 bytes; `exec` keeps the process id.
  const limits = `ulimit -c 0; ulimit -n ${maxOpenFiles}; ulimit -f ${Math.ceil(maxFileBytes / 512)}; exec "$@"`
  return {
    // setpriv comes second, because a change of namespaces resets the parent-death signal.
    command: [...namespace, ...bound, '/bin/sh', '-c', limits, 'sh', ...command],
    hasNoNetwork: namespace.length > 0,
    isBound: bound.length > 0,
  }
}

const namespaces = [
  ['unshare', '--net', '--'],
  ['unshare', '--user', '--map-current-user', '--net', '--'],
]
const setpriv = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', '--']

/** Whether a command runs here. A trial is needed: BusyBox's setpriv lacks the options, other systems lack the command. */
function works(command: string[]): boolean {
  if (process.platform !== 'linux') return false
  try {
    return Bun.spawnSync(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }).exitCode === 0
  } catch {
    return false
  }
}
