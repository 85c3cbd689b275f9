import { PixelflowError } from '@pixelflow/client'
import { InvalidSettings } from '@pixelflow/platform/config/read-settings'
import { CommanderError } from 'commander'
import { mapClientError } from '../client/map-client-error.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import { styleOf } from './style.ts'

export interface PrintErrorOptions {
  /** Programs read standard output: they get the reason there too. */
  readonly json: boolean
  readonly colour: boolean
}

/**
 * Says why a command ends early, in lines of their own: what, where, what to do, and the id under which the server
 * knows the request. Returns the exit code.
 */
export function printError(error: unknown, { json, colour }: PrintErrorOptions): number {
  // Help and version end commander with an error too; usage errors are printed by commander itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  const { reason, message, field, remedy, requestId } = toCliError(error)
  const code = exitCodes[reason]
  const style = styleOf(process.stderr, colour)
  const say = (label: string, text: string | undefined) => {
    if (text !== undefined) process.stderr.write(`${label}${text}\n`)
  }
  say(style.red('error: '), message)
  say(style.dim('  field    '), field)
  say(style.dim('  remedy   '), remedy)
  say(style.dim('  request  '), requestId)
  if (json)
    process.stdout.write(
      `${JSON.stringify({ error: { code, reason, message, field, remedy, requestId } })}\n`,
    )
  return code
}

/** Converts any error to the one that ends the command. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error
  if (error instanceof PixelflowError) return mapClientError(error)
  if (error instanceof InvalidSettings) return settingsExit(error)
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new CliError('failed', what, {
    remedy: 'This is a bug in PixelFlow: please report it with the lines above.',
    cause: error,
  })
}

/** One wrong setting in the lines of any error; several as a list. */
function settingsExit({ problems }: InvalidSettings): CliError {
  const [first, ...others] = problems
  if (first !== undefined && others.length === 0) {
    return new CliError('usage', `${first.variable} ${first.problem}.`, { remedy: first.remedy })
  }
  const list = problems.map(({ variable, problem, remedy }) => `\n  ${variable} ${problem}. ${remedy}`)
  return new CliError('usage', `${problems.length} settings are wrong:${list.join('')}`, {
    remedy: 'Correct each of them; docs/configuration.md lists all settings.',
  })
}
