import { Command, CommanderError } from 'commander'
import { WrongSettings } from '@pixelflow/fabric/config'
import manifest from '../package.json'
import { benchCommand } from './commands/bench.ts'
import { demoCommand } from './commands/demo.ts'
import { getCommand } from './commands/get.ts'
import { loadtestCommand } from './commands/loadtest.ts'
import { processCommand } from './commands/process.ts'
import { tasksCommand } from './commands/tasks.ts'
import { testCommand } from './commands/test.ts'
import { upCommand } from './commands/up.ts'
import { uploadCommand } from './commands/upload.ts'
import { verifyCommand } from './commands/verify.ts'
import { versionCommand } from './commands/version.ts'
import { watchCommand } from './commands/watch.ts'
import { readConfig } from './config.ts'
import { followInterrupts, type Context } from './context.ts'
import { Exit, exitCodes } from './exit.ts'
import { styleOf } from './terminal/style.ts'

async function main(args: readonly string[]): Promise<number> {
  try {
    const context = { config: readConfig(), interrupts: followInterrupts(), cwd: process.cwd() }
    await commands(context).parseAsync(args, { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    return end(error)
  }
}

function commands(context: Context): Command {
  const program = new Command('pixelflow')
    .description('Self-hosted, streaming image processing.')
    .version(manifest.version, '-V, --version', 'print the version of this client')
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', `\n${exitHelp}`)
  program.commandsGroup('Run it:')
  upCommand(program, context)
  demoCommand(program, context)
  program.commandsGroup('Use it:')
  processCommand(program, context)
  uploadCommand(program, context)
  watchCommand(program, context)
  tasksCommand(program, context)
  getCommand(program, context)
  versionCommand(program, context, manifest.version)
  program.commandsGroup('Develop it:')
  testCommand(program, context)
  verifyCommand(program, context)
  benchCommand(program, context)
  loadtestCommand(program, context)
  return program
}

const exitHelp = `Every command has a --help of its own.

Exit codes:
  0    done
  1    the task failed, or what the command was to do
  2    wrong usage: command line, setting, recipe or picture
  3    no server answers
  4    a token is missing, wrong, or not allowed to do this
  130  interrupted`

/** Says what went wrong, in lines of their own: what, where, what to do, and the id under which the server knows it. */
function end(error: unknown): number {
  // Help and version end commander too, and are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  const style = styleOf(process.stderr, !process.env['NO_COLOR'])
  const say = (label: string, text: string | undefined) => {
    if (text !== undefined) process.stderr.write(`${label}${text}\n`)
  }
  if (error instanceof WrongSettings) {
    say(style.red('error: '), error.message)
    return exitCodes.usage
  }
  if (error instanceof Exit) {
    say(style.red('error: '), error.message)
    say(style.dim('  field    '), error.field)
    say(style.dim('  remedy   '), error.remedy)
    say(style.dim('  request  '), error.requestId)
    return error.code
  }
  say(style.red('error: '), error instanceof Error ? (error.stack ?? error.message) : String(error))
  say(style.dim('  remedy   '), 'This is a mistake of ours: please report it with the lines above.')
  return exitCodes.failed
}

// A command may have set its own, without an error to tell of.
process.exitCode = (await main(process.argv.slice(2))) || (process.exitCode ?? exitCodes.ok)
