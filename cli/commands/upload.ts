import type { Command } from 'commander'
import { openSourceFile, type SourceFile } from '../client/source-file.ts'
import { uploadContent, uploadOptions } from '../client/run-task.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { addExamples } from './add-examples.ts'
import { addGrpcFlags, createReporterFor, openClientFor, type ServerFlags } from './server-flags.ts'

export function addUploadCommand(program: Command, context: Context): void {
  const command = program
    .command('upload')
    .summary('upload an image')
    .description(
      'Uploads an image and prints its id. If standard output is not a terminal, prints only the id, for example for ' +
        './pixelflow get $(./pixelflow upload photo.jpg).',
    )
    .argument('<file>', 'image file, or - for standard input')
  addExamples(addGrpcFlags(command), [
    'upload photo.jpg',
    'upload photo.jpg --json',
    'upload - <photo.jpg',
  ]).action(async (file: string, options: ServerFlags) => {
    const source = await openSourceFile(file, context.cwd)
    const reporter = createReporterFor(context, options)
    try {
      await using server = await openClientFor(context, options)
      const { signal } = context.interrupts
      const image = await server
        .upload(uploadContent(source), { ...uploadOptions(source, reporter), signal })
        .catch((error: unknown) => {
          throw signal.aborted ? interrupted(source) : error
        })
      const { id, format, width, height, bytes } = image
      const dimensions = width === null || height === null ? '' : ` ${width}×${height}`
      // Programs read only the id.
      reporter.result(image, [
        process.stdout.isTTY ? `${id}  ${format}${dimensions}  ${formatBytes(bytes)}` : id,
      ])
    } finally {
      reporter.close()
    }
  })
}

function interrupted({ name }: SourceFile): CliError {
  return new CliError('interrupted', `Interrupted while sending ${name}; the server stored nothing.`)
}
