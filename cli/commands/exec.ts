import type { Context } from '../context.ts'
import { CliError, exitCodes } from '../cli-error.ts'

/** Runs a program on this terminal and takes over its success. Ctrl-C reaches it through the terminal; other signals are forwarded. */
export async function exec(
  command: readonly string[],
  { config, interrupts }: Context,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = Bun.spawn([...command], {
    cwd: config.root,
    env: { ...config.env, ...env },
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
  })
  const pass = () => child.kill('SIGTERM')
  interrupts.signal.addEventListener('abort', pass)
  const code = await child.exited
  interrupts.signal.removeEventListener('abort', pass)
  if (interrupts.signal.aborted) throw new CliError('interrupted', 'Interrupted.')
  // The exit codes of the program have meanings of their own; ours are listed in the help.
  if (code !== 0) process.exitCode = exitCodes.failed
}
