import type { Command } from 'commander'
import manifest from '../../package.json'
import type { Context } from '../context.ts'
import { addActorsCommand } from './actors.ts'
import { addAdminCommand } from './admin.ts'
import { addBenchCommand } from './bench.ts'
import { addCertsCommand } from './certs.ts'
import { addChaosCommand } from './chaos.ts'
import { addDemoCommand } from './demo.ts'
import { addGetCommand } from './get.ts'
import { addLoadtestCommand } from './loadtest.ts'
import { addProcessCommand } from './process.ts'
import { addTasksCommand } from './tasks.ts'
import { addTestCommand } from './test.ts'
import { addTraceCommand } from './trace.ts'
import { addUpCommand } from './up.ts'
import { addUploadCommand } from './upload.ts'
import { addVerifyCommand } from './verify.ts'
import { addVersionCommand } from './version.ts'
import { addWatchCommand } from './watch.ts'

/** Adds all commands, in the order of the help. */
export function addAllCommands(program: Command, context: Context): void {
  program.commandsGroup('Run PixelFlow:')
  addUpCommand(program, context)
  addDemoCommand(program, context)
  addCertsCommand(program, context)
  program.commandsGroup('Process images:')
  addProcessCommand(program, context)
  addUploadCommand(program, context)
  addWatchCommand(program, context)
  addTasksCommand(program, context)
  addGetCommand(program, context)
  addTraceCommand(program, context)
  addActorsCommand(program, context)
  addVersionCommand(program, context, manifest.version)
  program.commandsGroup('Administer a server:')
  addAdminCommand(program, context)
  program.commandsGroup('Develop PixelFlow:')
  addTestCommand(program, context)
  addVerifyCommand(program, context)
  addBenchCommand(program, context)
  addLoadtestCommand(program, context)
  addChaosCommand(program, context)
}
