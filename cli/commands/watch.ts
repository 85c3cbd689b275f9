import { PixelflowError } from '@pixelflow/client'
import type { Command } from 'commander'
import { mapClientError } from '../client/map-client-error.ts'
import { followTask } from '../client/run-task.ts'
import type { Context } from '../context.ts'
import { addExamples } from './add-examples.ts'
import { addGrpcFlags, parseId, createReporterFor, openClientFor, type ServerFlags } from './server-flags.ts'

export function addWatchCommand(program: Command, context: Context): void {
  const command = program
    .command('watch')
    .summary('follow a task to its end')
    .description(
      'Shows every event of a task until it ends. The exit code is 0 if the task completed, and 1 otherwise. After a ' +
        'lost connection, it resumes after the last event.',
    )
    .argument('<task>', 'id of the task', parseId('task'))
    .option('--after <token>', 'start after the event with this resume token')
  addExamples(addGrpcFlags(command), [
    'watch 01936f2e-7c5e-7abc-9def-0123456789ab',
    'watch 01936f2e-7c5e-7abc-9def-0123456789ab --json',
  ]).action(async (id: string, options: ServerFlags & { after?: string }) => {
    const reporter = createReporterFor(context, options, { printsEveryEvent: true })
    try {
      const { signal } = context.interrupts
      await using server = await openClientFor(context, options)
      const { task } = await followTask(server, id, reporter, { signal, after: options.after }).catch(
        (thrown: unknown) => {
          throw isInvalidToken(thrown) ? mapClientError(thrown, '--after') : thrown
        },
      )
      reporter.result(
        task,
        task.outputs.map(({ name, format, width, height }) => `${name}  ${format} ${width}×${height}`),
      )
    } finally {
      reporter.close()
    }
  })
}

/** The server names the header or the message field in which the client sends the token. */
function isInvalidToken(thrown: unknown): thrown is PixelflowError {
  const fields: readonly (string | undefined)[] = ['Last-Event-ID', 'after']
  return thrown instanceof PixelflowError && thrown.status === 400 && fields.includes(thrown.field)
}
