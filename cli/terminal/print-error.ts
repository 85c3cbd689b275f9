import { PixelflowError } from '@pixelflow/client'
import { InvalidSettings } from '@pixelflow/platform/config/read-settings'
import { CommanderError } from 'commander'
import { mapClientError } from '../client/map-client-error.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import { styleOf } from './style.ts'

export interface PrintErrorOptions {
  /** Also writes the error to standard output as JSON. */
  readonly json: boolean
  readonly useColor: boolean
}

/**
 * Prints an error: its message, cause, field, remedy and request id, each on its own line. Returns the exit code.
 */
export function printError(error: unknown, { json, useColor }: PrintErrorOptions): number {
  // Commander also ends with an error after help and version, and prints usage errors itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  const { reason, message, libraryMessage, field, remedy, requestId } = toCliError(error)
  const code = exitCodes[reason]
  const style = styleOf(process.stderr, useColor)
  const say = (label: string, text: string | undefined) => {
    if (text !== undefined) process.stderr.write(`${label}${text}\n`)
  }
  say(style.red('error: '), message)
  say(style.dim('  cause    '), libraryMessage)
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
    remedy: 'This is a bug in PixelFlow. Please report it with the lines above.',
    cause: error,
  })
}

/** One invalid setting looks like any error; several are listed. */
function settingsExit({ problems }: InvalidSettings): CliError {
  const [first, ...others] = problems
  if (first !== undefined && others.length === 0) {
    return new CliError('usage', `${first.variable} ${first.problem}.`, { remedy: first.remedy })
  }
  const list = problems.map(({ variable, problem, remedy }) => `\n  ${variable} ${problem}. ${remedy}`)
  return new CliError('usage', `${problems.length} settings are invalid:${list.join('')}`, {
    remedy: 'Correct each of them. docs/configuration.md lists all settings.',
  })
}
