import { join } from 'node:path'

/** How a process detects that its parent was killed: by the parent-death signal of Linux, or by the end of a pipe. */
export type DieWithParentMethod = 'pdeathsig' | 'pipe'

/** The best method of this machine. The setpriv of BusyBox, for example, has no parent-death signal. */
export function chooseDieWithParentMethod(): DieWithParentMethod {
  if (process.platform !== 'linux' || !Bun.which('setpriv')) return 'pipe'
  const trial = Bun.spawnSync(['setpriv', '--pdeathsig', 'KILL', '--', 'true'], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  return trial.exitCode === 0 ? 'pdeathsig' : 'pipe'
}

/**
 * A command that runs `command` and ends with this process. It must lead its own process group, and with the method `pipe`,
 * its standard input must be a pipe that no other process holds.
 */
export function dieWithParent(method: DieWithParentMethod, command: readonly string[]): string[] {
  return method === 'pdeathsig'
    ? ['setpriv', '--pdeathsig', 'KILL', '--', ...command]
    : ['/bin/sh', join(import.meta.dir, 'die-with-parent.sh'), ...command]
}
