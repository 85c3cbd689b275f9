import { Option, type Command } from 'commander'
import { lanes } from '@pixelflow/core/job'
import type { Recipe } from '@pixelflow/core/recipe/recipe'
import { processFile, formatResult, toResultValue } from '../client/process-file.ts'
import { openSourceFile } from '../client/source-file.ts'
import { readSteps } from '../client/steps.ts'
import { previewPath, tuneImage } from '../client/tune-image.ts'
import { runTask } from '../client/run-task.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { styleOf } from '../terminal/style.ts'
import { createFileJob, readProcessPlan, type ProcessCommandOptions } from './process-plan.ts'
import { processMany } from './process-many.ts'
import { addExamples } from './add-examples.ts'
import { addGrpcFlags, createReporterFor, requireSingleStdoutUse, withServer } from './server-flags.ts'

interface ProcessCommandLine extends ProcessCommandOptions {
  /** Earlier name of `steps`. */
  readonly filters?: string
}

export function addProcessCommand(program: Command, context: Context): void {
  const command = program
    .command('process')
    .summary('process images and download the results')
    .description(
      'Uploads an image, shows the progress of its task, and downloads the result. ' +
        'Each of several files has its own task; the failure of one does not stop the others. ' +
        'Starts a temporary server if none runs on this machine.',
    )
    .argument('<files...>', 'one or more image files, or - for standard input')
    .option('-r, --recipe <recipe>', 'recipe: resize:800/format:webp, or JSON, or @file')
    .option(
      '-o, --output <path>',
      'a file, a folder, a pattern with {stem}, {name}, {ext}, or - for standard output; the extension chooses ' +
        'the format if the recipe does not (default: a file in the current folder, named after the source)',
    )
    .option('--steps <steps>', 'more steps, after those of the recipe: --steps=blur:2,grayscale')
    .addOption(new Option('--filters <steps>', 'earlier name of --steps').hideHelp().conflicts('steps'))
    .option(
      '--tune <changes>',
      'change steps one by one, write a preview after each, and apply all of them at the end: ' +
        'blur:3,resize:400; with -, read the changes from standard input, one per line',
    )
    .option(
      '--preview <file>',
      'preview file of --tune: .webp or .jpg\n(default: a file in the current folder, named after the source)',
    )
    .addOption(new Option('--lane <lane>', 'priority of the task; use bulk for large batches').choices(lanes))
    .option('-f, --force', 'allow a result to overwrite its source')
  addExamples(addGrpcFlags(command), [
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

  const reporter = createReporterFor(context, options, { isStdoutQuiet: target.isStdout })
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
      const style = styleOf(target.isStdout ? process.stderr : process.stdout, config.useColor)
      const { elapsedMs } = reporter.clock
      reporter.result(toResultValue(result), formatResult(result, job, { tookMs: elapsedMs, style, cwd }))
    })
  } finally {
    reporter.close()
  }
}

/** @throws CliError `usage` when the options contradict each other. */
function requireConsistentOptions(files: readonly string[], options: ProcessCommandOptions): void {
  const { recipe, output, steps, tune, preview, lane } = options
  const isMany = files.length > 1
  if (isMany && tune !== undefined) {
    throw new CliError('usage', '--tune accepts only one file.', {
      remedy: 'Give one file, or omit --tune.',
    })
  }
  if (isMany && files.includes('-')) {
    throw new CliError('usage', 'Standard input (-) cannot be one of several files.', {
      remedy: 'Process it separately.',
    })
  }
  if (isMany && output === '-') {
    throw new CliError('usage', `The results of ${files.length} files cannot go to standard output.`, {
      field: '--output',
      remedy: 'Give a folder, for example -o results/.',
    })
  }
  if ([recipe?.trim() || undefined, output, steps, tune].every((one) => one === undefined)) {
    throw new CliError('usage', 'No recipe and no output.', {
      remedy:
        "Add a recipe, for example -r 'resize:800', or a file to convert to, for example -o photo.webp.",
    })
  }
  requireSingleStdoutUse(options)
  if (tune === '-' && files[0] === '-') {
    throw new CliError('usage', 'The image and --tune - both read standard input.', {
      remedy: 'Give a file, or write the changes after --tune.',
    })
  }
  if (tune !== undefined && lane !== undefined) {
    throw new CliError('usage', '--tune and --lane cannot be combined: tuning does not use the queue.', {
      remedy: 'Omit --lane.',
    })
  }
  if (tune === undefined && preview !== undefined) {
    throw new CliError('usage', '--preview has no effect without --tune.', {
      field: '--preview',
      remedy: 'Add changes, for example --tune blur:3, or omit --preview.',
    })
  }
  // Reports an invalid change before the upload.
  if (tune !== undefined && tune !== '-') readSteps(tune, '--tune')
}
