import { join } from 'node:path'

/** How a process detects that its parent was killed: by the parent-death signal of Linux, or by the end of a pipe. */
export type DieWithParentMethod = 'pdeathsig' | 'pipe'

/** The better one that this machine has. BusyBox's setpriv, for one, knows no parent-death signal. */
export function bestDieWithParentMethod(): DieWithParentMethod {
  if (process.platform !== 'linux' || !Bun.which('setpriv')) return 'pipe'
  const trial = Bun.spawnSync(['setpriv', '--pdeathsig', 'KILL', '--', 'true'], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  return trial.exitCode === 0 ? 'pdeathsig' : 'pipe'
}

/**
 * The command that runs `command` so that it ends with this process. It must lead a process group of its own, and with the method `pipe` its
 * standard input must be a pipe that only we hold.
 */
export function dieWithParent(method: DieWithParentMethod, command: readonly string[]): string[] {
  return method === 'pdeathsig'
    ? ['setpriv', '--pdeathsig', 'KILL', '--', ...command]
    : ['/bin/sh', join(import.meta.dir, 'die-with-parent.sh'), ...command]
}
