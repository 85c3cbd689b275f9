import { Command } from 'commander'
import manifest from '../package.json'
import { addHelpCommand, commandPath, refuseRepeatedOptions } from './commands/add-help-command.ts'
import { readConfig } from './config.ts'
import { followInterrupts, type Context } from './context.ts'
import { exitCodes } from './cli-error.ts'
import { printError } from './terminal/print-error.ts'

async function main(args: readonly string[]): Promise<number> {
  // A reader that closes early, such as head, is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    throw error
  })
  try {
    const context = { config: readConfig(), interrupts: followInterrupts(), cwd: process.cwd() }
    await createProgram(context, await loadCommands(args)).parseAsync(args, { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    return printError(error, { json: args.includes('--json'), useColor: !process.env['NO_COLOR'] })
  }
}

type AddCommands = (program: Command, context: Context) => void

/** `up` runs for long, so it loads no other command: all together take 25 MB more. */
async function loadCommands([name]: readonly string[]): Promise<AddCommands> {
  if (name === 'up') return (await import('./commands/up.ts')).addUpCommand
  return (await import('./commands/add-all-commands.ts')).addAllCommands
}

function createProgram(context: Context, addCommands: AddCommands): Command {
  const program = new Command('pixelflow')
    .description('Self-hosted, streaming image processing.')
    .version(manifest.version, '-V, --version', 'print the version of this client')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  remedy   See ./pixelflow --help.')
    .addHelpText('after', `\n${exitHelp}`)
  addCommands(program, context)
  const below = (command: Command): Command[] => command.commands.flatMap((one) => [one, ...below(one)])
  for (const group of [program, ...below(program)].filter((one) => one.commands.length > 0))
    addHelpCommand(group)
  for (const one of below(program)) {
    one.showHelpAfterError(`  remedy   See ./pixelflow ${commandPath(one)} --help.`)
    refuseRepeatedOptions(one)
  }
  return program
}

const exitHelp = `Every command describes its options with --help.

Exit codes:
  0    success
  1    the task or the command failed, or the named task or image does not exist
  2    invalid command line, setting, recipe or image
  3    no server reachable
  4    credentials missing, invalid or without the required scope
  130  interrupted`

// A command may have set its own exit code without an error.
process.exitCode = (await main(process.argv.slice(2))) || (process.exitCode ?? exitCodes.ok)
// A pending read of standard input would keep an interrupted command alive.
if (process.exitCode === exitCodes.interrupted) process.exit()
