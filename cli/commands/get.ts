import { resolve } from 'node:path'
import type { Command } from 'commander'
import { format } from '@pixelflow/core/format'
import { PixelflowError, type Client, type Stored } from '@pixelflow/client'
import { fetchBytes, saveTo, saveToStdout } from '../client/download.ts'
import type { Context } from '../context.ts'
import { Exit } from '../exit.ts'
import { size } from '@pixelflow/core/amounts'
import { grpcOptions, examples, outletFor, serverOf, type ClientOptions } from './shared.ts'

interface Options extends ClientOptions {
  readonly output?: string
}

/** What is to be fetched, and the name it gets when nobody chooses one. */
interface Wanted {
  readonly from: Stored
  readonly bytes: number
  readonly sha256: string
  readonly fileName: string
}

export function getCommand(program: Command, context: Context): void {
  const command = program
    .command('get')
    .summary('download an output of a task, or an image')
    .description('Downloads an output of a task, or an uploaded image.')
    .argument('<id>', 'id of a task or of an image')
    .argument('[output]', 'which output of the task; its only one if it has one')
    .option(
      '-o, --output <file>',
      'where it goes; - is standard output (default: beside you, named after the id)',
    )
  examples(grpcOptions(command), [
    'get 01936f2e-7c5e-7abc-9def-0123456789ab -o out.webp',
    'get 01936f2e-7c5e-7abc-9def-0123456789ab thumb',
    'get 01936f2e-7c5e-7abc-9def-0123456789ab -o - | wc -c',
  ]).action(async (id: string, output: string | undefined, options: Options) => {
    if (options.json && options.output === '-') {
      throw new Exit('usage', '--json and -o - both want standard output.', {
        remedy: 'Leave one of them out.',
      })
    }
    await using server = await serverOf(context, options)
    const wanted = await find(server, id, output)
    const bytes = fetchBytes(server, wanted.from)
    if (options.output === '-') return await saveToStdout(bytes)
    const path = resolve(context.cwd, options.output ?? wanted.fileName)
    await saveTo(path, bytes)
    outletFor(context, options).result({ id, path, bytes: wanted.bytes, sha256: wanted.sha256 }, [
      `${options.output ?? wanted.fileName}  ${size(wanted.bytes)}`,
    ])
  })
}

async function find(server: Client, id: string, name: string | undefined): Promise<Wanted> {
  // Ids say nothing of their kind: what is no task may be an image.
  const task = await server.task(id).catch(async (error: unknown) => {
    const isMissing = error instanceof PixelflowError && error.status === 404 && name === undefined
    const image = isMissing ? await server.image(id).catch(() => null) : null
    if (!image) throw error
    return image
  })
  if ('sha256' in task) {
    const { bytes, sha256, format } = task
    return { from: { image: id }, bytes, sha256, fileName: fileName(id, format) }
  }
  const names = task.outputs.map((one) => one.name)
  const found =
    name === undefined && task.outputs.length === 1
      ? task.outputs[0]
      : task.outputs.find((one) => one.name === (name ?? 'default'))
  if (found) {
    const { bytes, sha256, format } = found
    const stem = names.length > 1 ? `${id}.${found.name}` : id
    return { from: { task: id, output: found.name }, bytes, sha256, fileName: fileName(stem, format) }
  }
  throw new Exit(
    name === undefined && names.length > 1 ? 'usage' : 'failed',
    names.length === 0
      ? `Task ${id} is ${task.status} and has no outputs.`
      : `Task ${id} has ${name === undefined ? 'several outputs' : `no output ${name}`}.`,
    names.length === 0 ? {} : { remedy: `Name one of them: ${names.join(', ')}.` },
  )
}

function fileName(stem: string, id: Parameters<typeof format>[0]): string {
  return `${stem}.${format(id).extensions[0]}`
}
