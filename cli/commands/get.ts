import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import type { FormatId } from '@pixelflow/core/format'
import { PixelflowError, type Client, type ContentRef, type TaskView } from '@pixelflow/client'
import { downloadBytes, saveToFile, saveToStdout } from '../client/download-bytes.ts'
import { shortenPath } from '../client/process-file.ts'
import { describeMismatch, parseOutputTarget } from '../client/output-target.ts'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { addExamples } from './add-examples.ts'
import {
  addGrpcFlags,
  parseId,
  createReporterFor,
  requireSingleStdoutUse,
  openClientFor,
  type ServerFlags,
} from './server-flags.ts'

interface Options extends ServerFlags {
  readonly output?: string
}

/** The content to download, and the default name of its file. */
interface Download {
  readonly from: ContentRef
  readonly bytes: number
  readonly sha256: string
  /** Name of the output; `default` for an image. */
  readonly name: string
  readonly format: FormatId
  /** Name of the file, without extension. */
  readonly stem: string
}

export function addGetCommand(program: Command, context: Context): void {
  const command = program
    .command('get')
    .summary('download an output of a task, or an image')
    .description('Downloads an output of a task, or an uploaded image.')
    .argument('<id>', 'id of a task or of an image', parseId('task or image'))
    .argument('[output]', 'name of the output; optional if the task has only one')
    .option(
      '-o, --output <path>',
      'a file, a folder, a pattern with {stem}, {name}, {ext}, or - for standard output\n' +
        '(default: a file in the current folder, named after the id)',
    )
  addExamples(addGrpcFlags(command), [
    'get 01936f2e-7c5e-7abc-9def-0123456789ab -o out.webp',
    'get 01936f2e-7c5e-7abc-9def-0123456789ab thumb',
    'get 01936f2e-7c5e-7abc-9def-0123456789ab -o - | wc -c',
  ]).action(async (id: string, output: string | undefined, options: Options) => {
    requireSingleStdoutUse(options)
    const { cwd } = context
    const targetFor = (stem: string, name: string) =>
      parseOutputTarget(options.output, {
        stem,
        names: [name],
        sourcePath: null,
        cwd,
        force: false,
        extensionChoosesFormat: false,
      })
    // Reports an invalid target before the first call.
    await targetFor(id, output ?? 'default').prepare()
    await using server = await openClientFor(context, options)
    const found = await findDownload(server, id, output)
    const target = targetFor(found.stem, found.name)
    const content = downloadBytes(server, found.from)
    if (target.isStdout) return await saveToStdout(content)
    const path = target.pathOf(found)
    await mkdir(dirname(path), { recursive: true })
    await saveToFile(path, content)
    const { bytes, sha256 } = found
    const reporter = createReporterFor(context, options)
    const mismatch = describeMismatch(path, found.format)
    if (mismatch !== undefined) reporter.note(`${shortenPath(path, cwd)}: ${mismatch}`)
    reporter.result({ id, path, bytes, sha256 }, [`${shortenPath(path, cwd)}  ${formatBytes(bytes)}`])
  })
}

async function findDownload(server: Client, id: string, name: string | undefined): Promise<Download> {
  // Ids do not state their kind: an unknown task may be an image.
  const task = await server.task(id).catch(async (error: unknown) => {
    if (!isNotFound(error) || name !== undefined) throw error
    return server.image(id).catch((cause: unknown) => {
      if (!isNotFound(cause)) throw cause
      throw new CliError('failed', `You have no task or image ${id}.`, {
        remedy:
          'Check the id, and that the token is of the account that created it. ./pixelflow tasks lists the ids of your tasks.',
        requestId: cause.requestId,
        cause,
      })
    })
  })
  if ('sha256' in task) {
    const { bytes, sha256, format } = task
    return { from: { image: id }, bytes, sha256, name: 'default', format, stem: id }
  }
  const names = task.outputs.map((one) => one.name)
  const found =
    name === undefined && task.outputs.length === 1
      ? task.outputs[0]
      : task.outputs.find((one) => one.name === (name ?? 'default'))
  if (found) {
    const { bytes, sha256, format } = found
    const stem = names.length > 1 ? `${id}.${found.name}` : id
    return { from: { task: id, output: found.name }, bytes, sha256, name: found.name, format, stem }
  }
  if (names.length === 0) throw noOutputsError(task)
  throw new CliError(
    name === undefined ? 'usage' : 'failed',
    `Task ${id} has ${name === undefined ? 'several outputs' : `no output ${name}`}.`,
    { remedy: `Choose one: ${names.join(', ')}.` },
  )
}

function noOutputsError({ id, status, fault }: TaskView): CliError {
  const retry = `Run it again with ./pixelflow tasks retry ${id}.`
  if (status === 'failed') {
    const reason = fault === undefined ? '.' : `: ${fault.detail}`
    return new CliError('failed', `Task ${id} failed and has no outputs${reason}`, { remedy: retry })
  }
  if (status === 'cancelled') {
    return new CliError('failed', `Task ${id} was cancelled and has no outputs.`, { remedy: retry })
  }
  return new CliError('failed', `Task ${id} is ${status} and has no outputs yet.`, {
    remedy: `Wait for it with ./pixelflow watch ${id}.`,
  })
}

function isNotFound(error: unknown): error is PixelflowError {
  return error instanceof PixelflowError && error.status === 404
}
