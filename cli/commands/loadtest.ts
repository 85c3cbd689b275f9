import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { profiles } from '@pixelflow/loadtest/profiles'
import type { LoadReport } from '@pixelflow/loadtest/report/load-report'
import { scenarios } from '@pixelflow/loadtest/scenarios'
import { CliError, exitCodes } from '../cli-error.ts'
import { requireWritableFolder } from '../client/require-writable-folder.ts'
import type { Context } from '../context.ts'
import {
  readLoadtestOptions,
  type LoadtestFlags,
  type LoadtestOptions,
} from '../loadtest/read-loadtest-options.ts'
import { openLoadServer } from '../loadtest/open-load-server.ts'
import { buildGoTool } from '../tools/go.ts'
import { printNote } from '../terminal/print-note.ts'
import { addExamples } from './add-examples.ts'
import { addServerFlags } from './server-flags.ts'

export function addLoadtestCommand(program: Command, context: Context): void {
  const command = program
    .command('loadtest')
    .summary('put a server under load')
    .description(
      'Runs a load test with k6, which is built on first use, and writes a report as HTML and JSON. Tests the server that ' +
        'runs on this machine, or starts a temporary one whose data is deleted afterwards. The exit code is 1 if a ' +
        'threshold fails. Arguments after -- are options for k6.',
    )
    .argument('[scenario]', 'what the users do; see below')
    .argument('[k6...]', 'options for k6')
    .option('-p, --profile <name>', 'how many users, and for how long; see below', 'load')
    .option('--users <n>', 'users at level 1 (default: by scenario)')
    .option('--duration <time>', 'time at each level, such as 30s, 10m or 2h (default: by profile)')
    .option('--image <file>', 'JPEG that the users upload (default: a generated photo of 1200×900)')
    .option(
      '-r, --recipe <recipe>',
      'recipe with one output: text form, JSON, or @file',
      'resize:200/format:webp',
    )
    .option('--report <dir>', 'folder of the report (default: .pixelflow/loadtest/SCENARIO-PROFILE)')
    .option(
      '--grpc <addresses>',
      'gRPC addresses: host:port,host:port (default: PIXELFLOW_GRPC_URL or the machine of the server)',
    )
  addServerFlags(command)
    .addHelpText('after', `\nScenarios:\n${list(scenarios)}\n\nProfiles:\n${list(profiles)}`)
    .addHelpText('after', '\nMore in docs/load-testing.md.')
  addExamples(command, [
    'loadtest tasks --profile smoke',
    'loadtest followers --users 500 --duration 2m',
    'loadtest process --profile stress --server https://pixelflow.example.com --report out',
    'loadtest tasks -- --http-debug',
  ]).action(async (scenario: string | undefined, k6Options: string[], flags: LoadtestFlags) =>
    loadtest(await readLoadtestOptions(scenario, k6Options, flags, context), flags, context),
  )
}

function list(described: Readonly<Record<string, { readonly summary: string }>>): string {
  return Object.entries(described)
    .map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`)
    .join('\n')
}

async function loadtest(options: LoadtestOptions, flags: LoadtestFlags, context: Context): Promise<void> {
  const { config, cwd, interrupts } = context
  const { scenario, profile, k6Options } = options
  const folder =
    flags.report === undefined
      ? join(config.dataDir, 'loadtest', `${scenario}-${profile}`)
      : resolve(cwd, flags.report)
  await requireWritableFolder(folder, '--report')
  const k6 =
    scenario === 'followers'
      ? undefined
      : await buildGoTool('k6', {
          root: config.root,
          cacheDir: config.cacheDir,
          path: config.env['PATH'],
          say: printNote,
        })
  // Imported here, because it loads sharp.
  const { runLoadTest, createLoadPhoto, writeReport, formatReport, LoadTestError } =
    await import('@pixelflow/loadtest/main')
  await using server = await openLoadServer(scenario, flags, context)
  const report = await runLoadTest(
    { ...options, server, jpeg: options.jpeg ?? (await createLoadPhoto()), signal: interrupts.signal },
    { k6, k6Options, isShown: true },
  ).catch((error: unknown) => {
    if (!(error instanceof LoadTestError)) throw error
    throw new CliError('failed', error.message, {
      remedy: 'Read the lines above. The log of a server that runs on this machine has more.',
    })
  })
  // Before the files, whose writing can fail, for example on a full disk.
  print(report, flags.json === true, formatReport)
  const page = await writeReport(report, folder).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(
      'failed',
      `The report was not written to ${folder} (${error.code ?? error.message}).`,
      {
        field: '--report',
        remedy: 'The result is printed above. Give another folder to keep the next one.',
        cause: error,
      },
    )
  })
  printNote(`report: ${page}`)
  if (interrupts.signal.aborted) throw new CliError('interrupted', 'Interrupted.')
  if (!report.isPassed) process.exitCode = exitCodes.failed
}

function print(report: LoadReport, asJson: boolean, format: (report: LoadReport) => string[]): void {
  const lines = asJson ? [JSON.stringify(report)] : format(report)
  process.stdout.write(`${lines.join('\n')}\n`)
}
