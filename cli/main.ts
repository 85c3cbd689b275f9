import { Command } from 'commander'
import manifest from '../package.json'
import { actorsCommand } from './commands/actors.ts'
import { adminCommand } from './commands/admin.ts'
import { benchCommand } from './commands/bench.ts'
import { certsCommand } from './commands/certs.ts'
import { chaosCommand } from './commands/chaos.ts'
import { demoCommand } from './commands/demo.ts'
import { getCommand } from './commands/get.ts'
import { loadtestCommand } from './commands/loadtest.ts'
import { processCommand } from './commands/process.ts'
import { addHelpCommand, commandPath, refuseRepeatedOptions } from './commands/add-help-command.ts'
import { tasksCommand } from './commands/tasks.ts'
import { testCommand } from './commands/test.ts'
import { upCommand } from './commands/up.ts'
import { uploadCommand } from './commands/upload.ts'
import { verifyCommand } from './commands/verify.ts'
import { versionCommand } from './commands/version.ts'
import { watchCommand } from './commands/watch.ts'
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
    await commands(context).parseAsync(args, { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    return printError(error, { json: args.includes('--json'), colour: !process.env['NO_COLOR'] })
  }
}

function commands(context: Context): Command {
  const program = new Command('pixelflow')
    .description('Self-hosted, streaming image processing.')
    .version(manifest.version, '-V, --version', 'print the version of this client')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  remedy   See ./pixelflow --help.')
    .addHelpText('after', `\n${exitHelp}`)
  program.commandsGroup('Run PixelFlow:')
  upCommand(program, context)
  demoCommand(program, context)
  certsCommand(program, context)
  program.commandsGroup('Process images:')
  processCommand(program, context)
  uploadCommand(program, context)
  watchCommand(program, context)
  tasksCommand(program, context)
  getCommand(program, context)
  actorsCommand(program, context)
  versionCommand(program, context, manifest.version)
  program.commandsGroup('Administer a server:')
  adminCommand(program, context)
  program.commandsGroup('Develop PixelFlow:')
  testCommand(program, context)
  verifyCommand(program, context)
  benchCommand(program, context)
  loadtestCommand(program, context)
  chaosCommand(program, context)
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
