import { relative } from 'node:path'
import { Option, type Command } from 'commander'
import type { OutputView } from '@pixelflow/core/api'
import { lanes, type Lane } from '@pixelflow/core/job'
import { outputNames, parseRecipe, type Recipe } from '@pixelflow/core/recipe/recipe'
import { fetchBytes, saveTo, saveToStdout } from '../client/download.ts'
import { readRecipe, writtenAs } from '../client/recipe.ts'
import { openSource } from '../client/source.ts'
import { readSteps, withSteps } from '../client/steps.ts'
import { readTarget } from '../client/target.ts'
import { previewPath, tunePicture } from '../client/tune.ts'
import { processPicture } from '../client/work.ts'
import type { Context } from '../context.ts'
import { Exit } from '../exit.ts'
import { styleOf, type Style } from '../terminal/style.ts'
import { size, span } from '@pixelflow/core/amounts'
import { change } from '../terminal/change.ts'
import { grpcOptions, examples, outletFor, withServer, type ClientOptions } from './shared.ts'

interface Options extends ClientOptions {
  readonly recipe?: string
  readonly output?: string
  readonly force?: boolean
  readonly filters?: string
  readonly tune?: string
  readonly preview?: string
  readonly lane?: Lane
}

export function processCommand(program: Command, context: Context): void {
  const command = program
    .command('process')
    .summary('process a picture: send it, watch it, fetch the result')
    .description(
      'Processes a picture: sends it, shows live progress, and writes the result.\n' +
        'With no server running on this machine it starts one for as long as it needs it.',
    )
    .argument('<file>', 'the picture; - reads standard input')
    .option('-r, --recipe <recipe>', 'what to do: resize:800/format:webp, or JSON, or @file with either')
    .option(
      '-o, --output <path>',
      'where the result goes: a file, whose ending chooses the format if the recipe does not;\n' +
        'a folder; a pattern with {stem}, {name}, {ext}; or - for standard output\n' +
        '(default: beside you, named after the source)',
    )
    .option('--filters <steps>', 'steps in short, after those of the recipe: --filters=blur:2,grayscale')
    .option(
      '--tune <changes>',
      'try changes one after the other, each shown as a preview at once, then apply the last:\n' +
        'blur:3,resize:400; with - they are read from standard input, line by line',
    )
    .option(
      '--preview <file>',
      'where --tune shows the picture as it will be: .webp or .jpg\n(default: beside you, named after the source)',
    )
    .addOption(
      new Option(
        '--lane <lane>',
        'whom it waits with, where much is to be done: bulk for one of many',
      ).choices(lanes),
    )
    .option('-f, --force', 'allow the result to replace the source')
  examples(grpcOptions(command), [
    "process photo.jpg -r 'resize:800/blur:2/format:webp' -o out.webp",
    'process photo.jpg -o photo.avif',
    "process photo.jpg -r @thumbnails.json -o 'out/{stem}-{name}.{ext}'",
    "process - -r 'resize:400' -o - <photo.jpg >small.jpg",
    "process scan-0001.tif -r 'resize:1600/format:webp' --lane bulk",
    'process photo.jpg --filters=blur:2,grayscale',
    'process photo.jpg --tune blur:3,resize:400 --preview preview.webp -o out.webp',
  ]).action(async (file: string, options: Options) => processFile(file, options, context))
}

async function processFile(file: string, options: Options, context: Context): Promise<void> {
  const { cwd, config, interrupts } = context
  const { recipe: text, filters, tune: changes, lane } = options
  demandSense(file, options)
  const written = text === undefined ? parseRecipe({ steps: [] }) : await readRecipe(text, cwd)
  const plain =
    filters === undefined ? written : withSteps(written, readSteps(filters, '--filters'), '--filters')
  const names = outputNames(plain)
  const source = await openSource(file, cwd)
  const target = readTarget(options.output, { source, names, cwd, force: options.force === true })
  const finish = (recipe: Recipe) => (names.length === 1 ? writtenAs(recipe, target.format) : recipe)
  const preview = previewPath(options.preview, source, cwd)

  const outlet = outletFor(context, options, { quietStdout: target.isStdout })
  try {
    await withServer(context, options, outlet.note, async (server) => {
      const started = performance.now()
      const { signal } = interrupts
      const { task } =
        changes === undefined
          ? await processPicture(server, source, finish(plain), outlet, { signal, lane })
          : await tunePicture(server, source, { recipe: plain, changes, preview, finish }, outlet, signal)
      await target.prepare()
      const files: { output: OutputView; path: string }[] = []
      for (const output of task.outputs) {
        const bytes = fetchBytes(server, { task: task.id, output: output.name })
        const path = target.pathOf(output)
        if (target.isStdout) await saveToStdout(bytes)
        else await saveTo(path, bytes)
        files.push({ output, path })
        if (target.format !== undefined && target.format !== output.format)
          outlet.note(`${shortest(path, cwd)} holds ${output.format}, as the recipe says`)
      }
      const style = styleOf(target.isStdout ? process.stderr : process.stdout, config.colour)
      const tookMs = performance.now() - started
      outlet.result(
        {
          task,
          files: target.isStdout ? [] : files.map(({ output, path }) => ({ name: output.name, path })),
        },
        files.map(({ output, path }) =>
          resultLine(
            output,
            target.isStdout ? 'standard output' : shortest(path, cwd),
            source.bytes,
            tookMs,
            style,
          ),
        ),
      )
    })
  } finally {
    outlet.close()
  }
}

/** @throws Exit `usage` when the options do not go together. */
function demandSense(file: string, { recipe, output, filters, tune, lane, json = false }: Options): void {
  if ([recipe, output, filters, tune].every((one) => one === undefined)) {
    throw new Exit('usage', 'There is nothing to do: neither a recipe nor an output is given.', {
      remedy:
        "Add a recipe, for example -r 'resize:800', or a file to convert to, for example -o photo.webp.",
    })
  }
  if (json && output === '-') {
    throw new Exit('usage', '--json and -o - both want standard output.', {
      remedy: 'Leave one of them out.',
    })
  }
  if (tune === '-' && file === '-') {
    throw new Exit('usage', 'The picture and --tune - both want standard input.', {
      remedy: 'Name a file, or write the changes behind --tune.',
    })
  }
  if (tune !== undefined && lane !== undefined) {
    throw new Exit('usage', 'What is tuned does not wait in a lane.', { remedy: 'Leave --lane out.' })
  }
  // What cannot be meant is told before anything is sent.
  if (tune !== undefined && tune !== '-') readSteps(tune, '--tune')
}

/** One line about a result: where it is, what it is, how it compares with the source. */
export function resultLine(
  { format, width, height, bytes }: OutputView,
  where: string,
  sourceBytes: number | null,
  tookMs: number,
  style: Style,
): string {
  const compared = sourceBytes === null ? '' : ` (${change(sourceBytes, bytes)})`
  return `${style.green('✓')} ${style.bold(where)}  ${format} ${width}×${height}  ${size(bytes)}${compared}  ${style.dim(span(tookMs))}`
}

function shortest(path: string, cwd: string): string {
  const near = relative(cwd, path)
  return near.startsWith('..') ? path : near
}
