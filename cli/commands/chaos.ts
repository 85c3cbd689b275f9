import { join } from 'node:path'
import type { Command } from 'commander'
import { findNatsServer } from '../broker/find-nats-server.ts'
import type { Context } from '../context.ts'
import { exec } from './exec.ts'
import { examples } from './server-flags.ts'

export function chaosCommand(program: Command, context: Context): void {
  const command = program
    .command('chaos')
    .summary('kill and stop processes at random under load, and count what is lost')
    .description(
      'Starts three brokers, two gateways and several actors of its own, gives them many small tasks, and kills, stops\n' +
        'and confuses them at random meanwhile: clocks of gateways and actors are hours off and are set, disks of brokers\n' +
        'are full, and brokers stop while calls with an Idempotency-Key are under way. Ends with a report as one line of\n' +
        'JSON, and with exit code 1 when a task was lost, an end or an event was missing or doubled, a result was wrong,\n' +
        'a call was not answered in time, or bytes were left behind.',
    )
    .option('--minutes <n>', 'how long anything bad is done', '5')
    .option('--seed <n>', 'what a run has printed, to have the same things done again')
    .option('--rate <n>', 'tasks a second', '8')
    .option('--actors <n>', 'actors', '3')
    .option('--acts <names>', 'only these kinds of faults, such as killActor,stopBroker', '')
  examples(command, ['chaos --minutes 1', 'chaos --minutes 30 --seed 42']).action(
    async (options: { minutes: string; seed?: string; rate: string; actors: string; acts: string }) => {
      const { config } = context
      const nats = await findNatsServer({
        root: config.root,
        cacheDir: config.cacheDir,
        path: config.env['PATH'],
        named: config.natsServer,
        downloadUrl: config.natsDownloadUrl,
        say: (text) => void process.stderr.write(`pixelflow: ${text}\n`),
      })
      const told = Object.entries(options).flatMap(([name, value]) => [`--${name}=${value}`])
      await exec(
        [process.execPath, '--no-env-file', join(config.root, 'e2e/chaos/main.ts'), ...told],
        context,
        { PIXELFLOW_NATS_SERVER_PATH: nats.path },
      )
    },
  )
}
