import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { findNatsServerFor } from '../broker/find-nats-server.ts'
import { exitCodes } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { exec } from './exec.ts'
import { addExamples } from './add-examples.ts'
import { printNote } from '../terminal/print-note.ts'

interface ChaosFlags {
  readonly minutes: string
  readonly seed?: string
  readonly rate: string
  readonly actors: string
  readonly faults?: string
  readonly acts?: string
}

export function addChaosCommand(program: Command, context: Context): void {
  const command = program
    .command('chaos')
    .summary('inject random faults under load, and check that nothing is lost')
    .description(
      'Starts three brokers, two gateways and several actors, creates many small tasks, and injects random faults: ' +
        'processes are killed and frozen, clocks are hours off and change, and disks are full. The last line of the output ' +
        'is a report in JSON. The exit code is 1 if a task or an event was lost or duplicated, a result was wrong, a call ' +
        'was not answered in time, or deleted data was still stored.',
    )
    .option('--minutes <n>', 'duration of the faults', '5')
    .option('--seed <n>', 'repeat the faults of an earlier run, which printed this seed')
    .option('--rate <n>', 'tasks per second', '8')
    .option('--actors <n>', 'number of actors', '3')
    .option('--faults <names>', 'inject only these faults, for example killActor,stopBroker')
    .addOption(new Option('--acts <names>', 'former name of --faults').hideHelp())
  addExamples(command, ['chaos --minutes 1', 'chaos --minutes 30 --seed 42']).action(
    async ({ acts, ...options }: ChaosFlags) => {
      const { config } = context
      const nats = await findNatsServerFor(config, printNote)
      const flags = Object.entries({ ...(acts === undefined ? {} : { faults: acts }), ...options }).flatMap(
        ([name, value]) => [`--${name}=${value}`],
      )
      await exec(
        [process.execPath, '--no-env-file', join(config.root, 'e2e/chaos/main.ts'), ...flags],
        context,
        { PIXELFLOW_NATS_SERVER_PATH: nats.path },
        exitCodes.usage,
      )
    },
  )
}
