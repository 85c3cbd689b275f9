import { Option, type Command } from 'commander'
import { lanes } from '@pixelflow/core/job'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { processFile, resultLines, resultValue } from '../client/process-file.ts'
import { openSourceFile } from '../client/source-file.ts'
import { readSteps } from '../client/steps.ts'
import { previewPath, tuneImage } from '../client/tune-image.ts'
import { runTask } from '../client/run-task.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { styleOf } from '../terminal/style.ts'
import { createFileJob, readProcessPlan, type ProcessCommandOptions } from './process-plan.ts'
import { processMany } from './process-many.ts'
import { examples, grpcOptions, reporterFor, requireOneUseOfStdout, withServer } from './server-flags.ts'

interface ProcessCommandLine extends ProcessCommandOptions {
  /** Earlier name of `steps`. */
  readonly filters?: string
}

export function processCommand(program: Command, context: Context): void {
  const command = program
    .command('process')
    .summary('process a picture: send it, watch it, fetch the result')
    .description(
      'Processes a picture: sends it, shows live progress, and writes the result.\n' +
        'Of several files each is a task of its own; one that fails does not stop the others.\n' +
        'With no server running on this machine it starts one for as long as it needs it.',
    )
    .argument('<files...>', 'pictures, one or more; a single - reads standard input')
    .option('-r, --recipe <recipe>', 'what to do: resize:800/format:webp, or JSON, or @file with either')
    .option(
      '-o, --output <path>',
      'where the result goes: a file or a pattern with {stem}, {name}, {ext}, whose extension chooses the\n' +
        'format if the recipe does not; a folder; or - for standard output\n' +
        '(default: beside you, named after the source)',
    )
    .option('--steps <steps>', 'steps in short, after those of the recipe: --steps=blur:2,grayscale')
    .addOption(new Option('--filters <steps>', 'earlier name of --steps').hideHelp().conflicts('steps'))
    .option(
      '--tune <changes>',
      'try changes one after the other, each shown as a preview at once, then apply the last:\n' +
        'blur:3,resize:400; with - they are read from standard input, line by line',
    )
    .option(
      '--preview <file>',
      'where --tune shows the picture as it will be: .webp or .jpg\n(default: beside you, named after the source)',
    )
    .addOption(new Option('--lane <lane>', 'priority of the task: bulk for one of many').choices(lanes))
    .option('-f, --force', 'allow the result to replace the source')
  examples(grpcOptions(command), [
    "process photo.jpg -r 'resize:800/blur:2/format:webp' -o out.webp",
    'process photo.jpg -o photo.avif',
    "process photo.jpg -r @thumbnails.json -o 'out/{stem}-{name}.{ext}'",
    "process *.jpg -r 'resize:800/format:webp' -o small/",
    "process - -r 'resize:400' -o - <photo.jpg >small.jpg",
    "process scan-0001.tif -r 'resize:1600/format:webp' --lane bulk",
    'process photo.jpg --steps=blur:2,grayscale',
    'process photo.jpg --tune blur:3,resize:400 --preview preview.webp -o out.webp',
  ]).action(async (files: readonly string[], { filters, ...given }: ProcessCommandLine) => {
    const options = filters === undefined ? given : { ...given, steps: filters }
    requireConsistentOptions(files, options)
    const [file = '-'] = files
    await (files.length === 1 ? processOne(file, options, context) : processMany(files, options, context))
  })
}

async function processOne(file: string, options: ProcessCommandOptions, context: Context): Promise<void> {
  const { cwd, config, interrupts } = context
  const { signal } = interrupts
  const { tune: changes, lane } = options
  const work = await readProcessPlan(options, cwd)
  const { plain, finish } = work
  const job = createFileJob(await openSourceFile(file, cwd), work, options, cwd)
  const { source, target } = job
  const preview = previewPath(options.preview, source, cwd)

  const reporter = reporterFor(context, options, { quietStdout: target.isStdout })
  try {
    await target.prepare()
    await withServer(context, options, reporter.note, async (server) => {
      reporter.clock.restart()
      const recipe = finish(plain, target)
      const tuned = {
        recipe: plain,
        changes: changes ?? '',
        preview,
        finish: (one: Recipe) => finish(one, target),
      }
      const send = () =>
        changes === undefined
          ? runTask(server, source, recipe, reporter, { signal, lane })
          : tuneImage(server, source, tuned, reporter, signal)
      const result = await processFile(server, target, send, { note: reporter.note, cwd })
      const style = styleOf(target.isStdout ? process.stderr : process.stdout, config.colour)
      const { elapsedMs } = reporter.clock
      reporter.result(resultValue(result), resultLines(result, job, { tookMs: elapsedMs, style, cwd }))
    })
  } finally {
    reporter.close()
  }
}

/** @throws CliError `usage` when the options do not go together. */
function requireConsistentOptions(files: readonly string[], options: ProcessCommandOptions): void {
  const { recipe, output, steps, tune, preview, lane } = options
  const isMany = files.length > 1
  if (isMany && tune !== undefined) {
    throw new CliError('usage', 'Only one picture can be tuned at a time.', {
      remedy: 'Name one file, or leave --tune out.',
    })
  }
  if (isMany && files.includes('-')) {
    throw new CliError('usage', 'Standard input (-) cannot be one of several files.', {
      remedy: 'Process it on its own.',
    })
  }
  if (isMany && output === '-') {
    throw new CliError('usage', `${files.length} files cannot go to standard output.`, {
      field: '--output',
      remedy: 'Name a folder, for example -o results/.',
    })
  }
  if ([recipe, output, steps, tune].every((one) => one === undefined)) {
    throw new CliError('usage', 'There is nothing to do: neither a recipe nor an output is given.', {
      remedy:
        "Add a recipe, for example -r 'resize:800', or a file to convert to, for example -o photo.webp.",
    })
  }
  requireOneUseOfStdout(options)
  if (tune === '-' && files[0] === '-') {
    throw new CliError('usage', 'The picture and --tune - both want standard input.', {
      remedy: 'Name a file, or write the changes behind --tune.',
    })
  }
  if (tune !== undefined && lane !== undefined) {
    throw new CliError('usage', '--tune and --lane exclude each other: tuning does not wait in a queue.', {
      remedy: 'Leave --lane out.',
    })
  }
  if (tune === undefined && preview !== undefined) {
    throw new CliError('usage', '--preview has no effect without --tune.', {
      field: '--preview',
      remedy: 'Add the changes to try, for example --tune blur:3, or leave --preview out.',
    })
  }
  // An invalid change is refused before anything is sent.
  if (tune !== undefined && tune !== '-') readSteps(tune, '--tune')
}
