import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { findNatsServerFor } from '../broker/find-nats-server.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { createLiveLine } from '../terminal/live-line.ts'
import { styleOf } from '../terminal/style.ts'
import { formatDuration } from '@pixelflow/core/format-duration'
import { runTestFile, type TestFileResult } from '../tests/run-test-file.ts'
import { findTests, selectTests, suites, type TestFile } from '../tests/suites.ts'
import { findChromium } from '../tools/chromium.ts'
import { buildGoClient } from '../tools/go-client.ts'
import { buildGoTool } from '../tools/go.ts'
import { prepareOpenapiPythonClient } from '../tools/openapi-python-client.ts'
import { preparePythonClient } from '../tools/python-client.ts'
import { prepareSchemathesis } from '../tools/schemathesis.ts'
import { addExamples } from './add-examples.ts'
import { printNote } from '../terminal/print-note.ts'

export function addTestCommand(program: Command, context: Context): void {
  const command = program
    .command('test')
    .summary('run the test suites')
    .description(
      'Runs all test suites, or the given ones. First builds or installs what they need: nats-server, the pinned Go ' +
        'tools, the clients in Go and Python, schemathesis, and (as root, with apt) Chromium and Python. The last line ' +
        'is the total.',
    )
    .argument('[packages...]', 'packages, folders or files')
    .option('--bail', 'stop after the first file that fails')
    .option('--totals <file>', 'also write the totals to a file, as JSON')
  addExamples(command, ['test', 'test core gateway', 'test cli/broker', 'test e2e --bail']).action(
    async (selection: string[], options: TestOptions) => runTests(selection, options, context),
  )
}

interface TestOptions {
  readonly bail?: boolean
  readonly totals?: string
}

async function runTests(
  selection: readonly string[],
  { bail = false, totals }: TestOptions,
  context: Context,
): Promise<void> {
  const { root } = context.config
  const all = await findTests(root)
  const files = selectTests(all, selection)
  const missing =
    selection.length === 0
      ? suites.filter(({ name }) => !all.some((file) => file.suite.name === name)).map(({ name }) => name)
      : selection.filter((one) => selectTests(all, [one]).length === 0)
  const env = await prepare(files, context)
  const report = createTestReporter(files.length, context.config.useColor)
  for (const name of missing) report.missing(name)

  const stop = new AbortController()
  const signal = AbortSignal.any([context.interrupts.signal, stop.signal])
  const run = async (file: TestFile) => {
    if (signal.aborted) return
    report.started(file)
    const result = await runTestFile(file, { root, env, signal })
    // An aborted test file has not failed.
    if (signal.aborted) return
    report.finished(result)
    if (bail && result.failed > 0) stop.abort()
  }
  await forEachConcurrently(
    files.filter((file) => !file.suite.alone),
    availableParallelism(),
    run,
  )
  await forEachConcurrently(
    files.filter((file) => file.suite.alone),
    1,
    run,
  )

  const { passed, failed } = report.close()
  if (context.interrupts.signal.aborted) throw new CliError('interrupted', 'Interrupted.')
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  if (totals !== undefined) await Bun.write(resolve(context.cwd, totals), JSON.stringify({ passed, failed }))
  if (failed > 0 || passed === 0) process.exitCode = 1
}

/** Runs all items in order, at most `concurrency` at the same time. */
async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  const runNext = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item)
  }
  await Promise.all(Array.from({ length: concurrency }, runNext))
}

/** Builds or installs what the tests need, and returns their environment. */
async function prepare(files: readonly TestFile[], { config }: Context) {
  const toolOptions = {
    root: config.root,
    cacheDir: config.cacheDir,
    path: config.env['PATH'],
    say: printNote,
  }
  const nats = await findNatsServerFor(config, printNote)
  const needed = new Set(files.flatMap((file) => file.suite.tools ?? []))
  for (const name of needed) await buildGoTool(name, toolOptions)
  const mayInstall = process.getuid?.() === 0
  if (files.some((file) => file.suite.clients)) {
    for (const name of ['scenarios', 'example'] as const) await buildGoClient(name, toolOptions)
    await preparePythonClient({ ...toolOptions, mayInstall })
  }
  if (files.some((file) => file.suite.openapiPythonClient))
    await prepareOpenapiPythonClient({ ...toolOptions, mayInstall })
  if (files.some((file) => file.suite.schemathesis)) await prepareSchemathesis({ ...toolOptions, mayInstall })
  const browser = files.some((file) => file.suite.browser)
    ? await findChromium({
        named: config.chromium,
        path: config.env['PATH'],
        mayInstall,
        say: printNote,
      }).catch((error: CliError) => {
        // The browser tests will fail with this reason; the other tests can run.
        printNote(`${error.message} ${error.remedy ?? ''}`)
        return undefined
      })
    : undefined
  // The settings of the user must not affect the tests.
  const plain = Object.entries(config.env).filter(([name]) => !/^(PIXELFLOW_|NATS_URL$)/.test(name))
  return {
    ...Object.fromEntries(plain),
    PIXELFLOW_CACHE_DIR: config.cacheDir,
    PIXELFLOW_NATS_SERVER_PATH: nats.path,
    ...(browser === undefined ? {} : { PIXELFLOW_CHROMIUM: browser }),
  }
}

/** Prints a line for each finished file; on a terminal, the last line shows the running files. */
function createTestReporter(total: number, useColor: boolean) {
  const isTerminal = process.stdout.isTTY
  const style = styleOf(process.stdout, useColor)
  const live = createLiveLine(process.stdout)
  const running = new Set<string>()
  const failures: TestFileResult[] = []
  let done = 0
  let passed = 0
  let failed = 0
  const print = (text: string) => (isTerminal ? live.print(text) : process.stdout.write(`${text}\n`))
  const printFailure = ({ file, output, problem = '' }: TestFileResult) =>
    print(`${style.red('✗')} ${file.path}\n${output.trimEnd()}\n${style.red(problem)}`)
  const draw = () => {
    if (!isTerminal) return
    const sum = `${style.green(`${passed} passed`)}, ${failed === 0 ? '0 failed' : style.red(`${failed} failed`)}`
    live.show(`${style.dim(`[${done}/${total}]`)} ${sum}  ${style.dim([...running].join(', '))}`)
  }
  return {
    started(file: TestFile) {
      running.add(file.path)
      draw()
    },
    finished(result: TestFileResult) {
      running.delete(result.file.path)
      done += 1
      passed += result.passed
      failed += result.failed
      const isGood = result.failed === 0
      const counts = isGood ? `${result.passed} passed` : `${result.passed} passed, ${result.failed} failed`
      print(
        `${isGood ? style.green('✓') : style.red('✗')} ${result.file.path}  ${style.dim(`${counts}  ${formatDuration(result.tookMs)}`)}`,
      )
      if (!isGood) {
        printFailure(result)
        failures.push(result)
      }
      draw()
    },
    missing(name: string) {
      failed += 1
      print(`${style.red('✗')} ${name}  has no tests`)
    },
    /** Repeats the failures, because a long log may have lost its beginning, and returns the totals. */
    close() {
      live.clear()
      if (done > 1) for (const result of failures) printFailure(result)
      return { passed, failed }
    },
  }
}
