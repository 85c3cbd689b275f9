import { join } from 'node:path'
import type { Command } from 'commander'
import { findNatsServerFor } from '../broker/find-nats-server.ts'
import { exitCodes } from '../cli-error.ts'
import type { Context } from '../context.ts'
import { exec } from './exec.ts'
import { addExamples } from './add-examples.ts'
import { printNote } from '../terminal/print-note.ts'

export function addBenchCommand(program: Command, context: Context): void {
  const command = program
    .command('bench')
    .summary('measure the throughput of this machine')
    .description(
      'Measures PixelFlow, and in the same run minimal programs that do the same work. ' +
        'Passes its options to the benchmark: --images 40, --rounds 5, --warm-up 100, --upload-mib 256, ' +
        '--queued 5000, --tasks 100000, --followers 1000, --json, and --parts works,… to run only some of the parts works, budget, ' +
        'footprint, transfer, process, reads, followers, scale, tune, grpc-upload, fair and floods. --works 1k,180k,3m,15m and ' +
        '--systems pixelflow,sharp,stored,bullmq (also pixelflow-traced, bullmq-node) choose what the part works compares, and --quick runs a tenth of ' +
        'its tasks; --save FILE keeps the results for docs/performance.md; --profile DIR writes CPU profiles of its gateway, actor and workers. For bullmq it needs redis-server (apt-get install redis-server).',
    )
    .allowUnknownOption()
    .argument('[options...]', 'options of the benchmark')
  addExamples(command, [
    'bench',
    'bench --parts works --works 3m --quick',
    'bench --parts works --works 1k,3m --json',
  ]).action(async (args: string[]) => {
    const { config } = context
    const nats = await findNatsServerFor(config, printNote)
    await exec(
      [process.execPath, '--no-env-file', join(config.root, 'bench/main.ts'), ...args],
      context,
      { NODE_ENV: 'production', PIXELFLOW_NATS_SERVER_PATH: nats.path },
      exitCodes.usage,
    )
  })
}
