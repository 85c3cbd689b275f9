import type { Config } from './config.ts'
import { CliError } from './cli-error.ts'

/** What a command is given besides its own arguments. */
export interface Context {
  readonly config: Config
  readonly interrupts: Interrupts
  /** The folder that file arguments are relative to. */
  readonly cwd: string
}

export interface Interrupts {
  /** Aborted by the first Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal
  /** What the second one does; ends the process at once unless a command has something better. */
  again: () => void
}

/** Turns the signals that ask us to end into an AbortSignal, so that commands end in an orderly way. */
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
