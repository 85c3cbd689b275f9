import type { Config } from './config.ts'
import { CliError } from './cli-error.ts'

/** What a command receives besides its own arguments. */
export interface Context {
  readonly config: Config
  readonly interrupts: Interrupts
  /** The folder that file arguments are relative to. */
  readonly cwd: string
}

export interface Interrupts {
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal
  /** Runs at the second signal. By default it exits at once; a command can replace it. */
  again: () => void
}

/** Converts SIGINT, SIGTERM and SIGHUP to an AbortSignal, so that commands can clean up. */
export function followInterrupts(): Interrupts {
  const controller = new AbortController()
  const interrupts: Interrupts = { signal: controller.signal, again: () => process.exit(130) }
  const interrupt = () => {
    if (controller.signal.aborted) interrupts.again()
    else controller.abort(new CliError('interrupted', 'Interrupted.'))
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt)
  return interrupts
}
