import type { Command } from 'commander'
import { openSource, type Source } from '../client/source.ts'
import { contentOf, sending } from '../client/work.ts'
import type { Context } from '../context.ts'
import { Exit } from '../exit.ts'
import { size } from '@pixelflow/core/amounts'
import { grpcOptions, examples, outletFor, serverOf, type ClientOptions } from './shared.ts'

export function uploadCommand(program: Command, context: Context): void {
  const command = program
    .command('upload')
    .summary('send a picture and keep it on the server')
    .description(
      'Sends a picture to the server, as a stream of any length, and prints its id.\n' +
        'Where standard output is not a terminal it prints the id alone, for example for get $(upload …).',
    )
    .argument('<file>', 'the picture; - reads standard input')
  examples(grpcOptions(command), [
    'upload photo.jpg',
    'upload photo.jpg --json',
    'upload - <photo.jpg',
  ]).action(async (file: string, options: ClientOptions) => {
    const source = await openSource(file, context.cwd)
    const outlet = outletFor(context, options)
    try {
      await using server = await serverOf(context, options)
      const { signal } = context.interrupts
      const image = await server
        .upload(contentOf(source), { ...sending(source, outlet), signal })
        .catch((error: unknown) => {
          throw signal.aborted ? interrupted(source) : error
        })
      const { id, format, width, height, bytes } = image
      const dimensions = width === null || height === null ? '' : ` ${width}×${height}`
      // A program that reads the output wants the id and nothing else.
      outlet.result(image, [process.stdout.isTTY ? `${id}  ${format}${dimensions}  ${size(bytes)}` : id])
    } finally {
      outlet.close()
    }
  })
}

function interrupted({ name }: Source): Exit {
  return new Exit('interrupted', `Interrupted while sending ${name}; the server kept nothing of it.`)
}
