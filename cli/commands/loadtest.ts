import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { buildGoTool } from '../tools/go.ts'
import { exec } from './exec.ts'
import { addExamples, addServerOptions, withServer } from './server-flags.ts'
import { printNote } from '../terminal/print-note.ts'

export function addLoadtestCommand(program: Command, context: Context): void {
  const command = program
    .command('loadtest')
    .summary('run a load test with k6')
    .description(
      'Runs a script of loadtest/ with k6, which is built on first use. Starts a server if none runs on this machine. ' +
        'Arguments after -- are passed to k6.',
    )
    .argument('[name]', 'name of the script', 'smoke')
    .argument('[k6...]', 'options for k6')
  addExamples(addServerOptions(command), [
    'loadtest smoke',
    'loadtest smoke -- --vus 4 --duration 20s',
  ]).action(async (name: string, more: string[], options: { server?: string; token?: string }) =>
    loadtest(name, more, options, context),
  )
}

async function loadtest(
  name: string,
  more: readonly string[],
  options: { server?: string; token?: string },
  context: Context,
): Promise<void> {
  const { config } = context
  const folder = join(config.root, 'loadtest')
  const names = (await readdir(folder)).flatMap((file) => /^([a-z0-9-]+)\.ts$/.exec(file)?.[1] ?? [])
  if (!names.includes(name)) {
    throw new CliError('usage', `Unknown load test ${name}.`, {
      remedy: `Load tests: ${names.join(', ')}.`,
    })
  }
  const k6 = await buildGoTool('k6', {
    root: config.root,
    cacheDir: config.cacheDir,
    path: config.env['PATH'],
    say: printNote,
  })
  await withServer(context, options, printNote, async (server) => {
    const token = options.token ?? config.token
    await exec([k6, 'run', ...more, join(folder, `${name}.ts`)], context, {
      BASE_URL: server.address,
      K6_NO_USAGE_REPORT: 'true',
      ...(token === undefined ? {} : { TOKEN: token }),
    })
  })
}
