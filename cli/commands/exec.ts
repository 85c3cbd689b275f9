import type { Context } from '../context.ts'
import { CliError, exitCodes } from '../cli-error.ts'

/**
 * Runs a program on this terminal; its failure is that of the command. The terminal sends it Ctrl-C; other signals are
 * forwarded. `usageCode` is the exit code of the program for an invalid command line, if it has one.
 */
export async function exec(
  command: readonly string[],
  { config, interrupts }: Context,
  env: Readonly<Record<string, string>> = {},
  usageCode?: number,
): Promise<void> {
  const child = Bun.spawn([...command], {
    cwd: config.root,
    env: { ...config.env, ...env },
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
  })
  const forward = () => child.kill('SIGTERM')
  interrupts.signal.addEventListener('abort', forward)
  const code = await child.exited
  interrupts.signal.removeEventListener('abort', forward)
  if (interrupts.signal.aborted) throw new CliError('interrupted', 'Interrupted.')
  // The exit codes of the program differ from those of the command line.
  if (code !== 0) process.exitCode = code === usageCode ? exitCodes.usage : exitCodes.failed
}
