import { basename, extname, join } from 'node:path'
import type { Command } from 'commander'
import { processFile, formatResult, toResultValue, shortenPath } from '../client/process-file.ts'
import { readRecipe } from '../client/recipe.ts'
import { openSourceFile } from '../client/source-file.ts'
import { parseOutputTarget } from '../client/output-target.ts'
import { runTask } from '../client/run-task.ts'
import { outputNames } from '@pixelflow/core/recipe/recipe'
import type { Context } from '../context.ts'
import { curlCommand } from '../demo/curl-command.ts'
import { writeDemoImage } from '../demo/demo-image.ts'
import { styleOf } from '../terminal/style.ts'
import { addExamples } from './add-examples.ts'
import {
  addServerFlags,
  createReporterFor,
  requireSingleStdoutUse,
  withServer,
  type ServerFlags,
} from './server-flags.ts'

const recipeText = 'resize:800/sharpen/format:webp'

export function addDemoCommand(program: Command, context: Context): void {
  const command = program
    .command('demo')
    .summary('process a sample image and show every stage')
    .description(
      'Creates a sample image, processes it, shows every stage, and prints the same call for curl.',
    )
    .option(
      '-o, --output <path>',
      'file or folder for the result (default: demo/evening.webp in the data folder)',
    )
  addExamples(addServerFlags(command), ['demo', 'demo -o evening.webp']).action(
    async (options: ServerFlags & { output?: string }) => demo(options, context),
  )
}

async function demo(options: ServerFlags & { output?: string }, context: Context): Promise<void> {
  const { config, cwd, interrupts } = context
  const file = writeDemoImage(join(config.dataDir, 'demo/evening.png'))
  const source = await openSourceFile(file, cwd)
  const recipe = await readRecipe(recipeText, cwd)
  const style = styleOf(process.stdout, config.useColor)
  const target = parseOutputTarget(options.output ?? join(config.dataDir, 'demo/evening.webp'), {
    stem: basename(file, extname(file)),
    sourcePath: file,
    names: outputNames(recipe),
    cwd,
    force: false,
    extensionChoosesFormat: true,
  })
  requireSingleStdoutUse(options)
  const reporter = createReporterFor(context, options, {
    printsEveryEvent: true,
    isStdoutQuiet: target.isStdout,
  })
  try {
    await target.prepare()
    await withServer(context, options, reporter.note, async (server) => {
      reporter.clock.restart()
      reporter.note(`image ${shortenPath(file, cwd)}, recipe ${recipeText}`)
      const send = () => runTask(server, source, recipe, reporter, interrupts)
      const result = await processFile(server, target, send, { note: reporter.note, cwd })
      const { elapsedMs } = reporter.clock
      reporter.result(toResultValue(result), [
        ...formatResult(result, { source, target }, { tookMs: elapsedMs, style, cwd }),
        '',
        style.dim('The same with curl, while ./pixelflow up is running:'),
        `  ${curlCommand(server.address, file, recipeText, {
          token: (options.token ?? config.token) !== undefined,
          ca: options.ca ?? config.caFile,
          cert: options.cert ?? config.certFile,
          key: options.key ?? config.keyFile,
        })}`,
      ])
    })
  } finally {
    reporter.close()
  }
}
