import type { Command } from 'commander'
import type { Admin, DeadLetterView } from '@pixelflow/client'
import { openAdminClient } from '../client/open-client.ts'
import type { Context } from '../context.ts'
import { formatTable, terminalWidth, type Column, type TableRow } from '../terminal/table.ts'
import { styleOf, type Style } from '../terminal/style.ts'
import { refuseUnknownCommands } from './add-help-command.ts'
import { addExamples } from './add-examples.ts'
import {
  locateServerFor,
  certificatesOf,
  addServerFlags,
  parseLimit,
  createReporterFor,
  type ServerFlags,
} from './server-flags.ts'

interface ListOptions extends ServerFlags {
  readonly account?: string
  readonly limit: number
  readonly cursor?: string
}

export function addAdminCommand(program: Command, context: Context): void {
  const admin = program
    .command('admin')
    .summary('for operators: dead letters')
    .description(
      'Commands for operators. They require a token with the scope admin, or a server on this machine without tokens.',
    )
  const dead = admin
    .command('dead')
    .description(
      'Lists dead letters, which are jobs whose last attempt failed. Shows, replays or deletes one.',
    )
  addExamples(admin, [
    'admin dead',
    'admin dead list --account ann --limit 5',
    'admin dead show transform.ann.01936f2e-7c5e-7abc-9def-0123456789ab',
    'admin dead replay transform.ann.01936f2e-7c5e-7abc-9def-0123456789ab',
  ])
  const style = styleOf(process.stdout, context.config.useColor)

  const list = dead
    .command('list', { isDefault: true })
    .description('Lists dead letters, oldest first.')
    .option('--account <account>', 'only those of this account')
    .option('--limit <count>', 'maximum number, 1 to 200', parseLimit, 20)
    .option('--cursor <cursor>', 'continue a list after the cursor that it printed')
  refuseUnknownCommands(list)
  addServerFlags(list).action(async ({ account, limit, cursor, ...options }: ListOptions) => {
    const page = await (await openClientFor(context, options)).deadLetterPage({ account, limit, cursor })
    const none = page.items.length === 0 && page.next === null ? ['No dead letters.'] : []
    const more = page.next === null ? [] : [style.dim(`more: --cursor ${page.next}`)]
    const rows = formatTable(
      columns,
      page.items.map((deadLetter) => row(deadLetter, style)),
      {
        width: terminalWidth(process.stdout),
        style,
      },
    )
    createReporterFor(context, options).result(page, [...none, ...rows, ...more])
  })

  one('show', 'Shows a dead letter and why its job failed.', (server, id) => server.deadLetter(id))
  one('replay', 'Runs the job again, as a new task of the same account.', (server, id) =>
    server.replayDeadLetter(id),
  )
  // `drop` is the earlier name.
  for (const [name, hidden] of [
    ['delete', false],
    ['drop', true],
  ] as const) {
    deadLetter(name, 'Deletes a dead letter. The task does not change.', hidden).action(
      async (id: string, options: ServerFlags) => {
        await (await openClientFor(context, options)).deleteDeadLetter(id)
        createReporterFor(context, options).result({ id, deleted: true }, [`${id}  deleted`])
      },
    )
  }

  function one(name: string, description: string, ask: Ask): void {
    deadLetter(name, description).action(async (id: string, options: ServerFlags) => {
      const found = await ask(await openClientFor(context, options), id)
      createReporterFor(context, options).result(found, details(found, style))
    })
  }

  function deadLetter(name: string, description: string, hidden: boolean = false): Command {
    return addServerFlags(
      dead.command(name, { hidden }).description(description).argument('<id>', 'id of the dead letter'),
    )
  }
}

type Ask = (server: Admin, id: string) => Promise<DeadLetterView>

async function openClientFor(context: Context, options: ServerFlags): Promise<Admin> {
  const { config, interrupts } = context
  return openAdminClient({
    url: (await locateServerFor(context, options)).url,
    token: options.token ?? config.token,
    certificates: certificatesOf(context, options),
    signal: interrupts.signal,
  })
}

const columns: readonly Column[] = [
  { omitOrder: 0 },
  { omitOrder: 0 },
  { omitOrder: 2 },
  { omitOrder: 3 },
  { omitOrder: 1 },
]

function row({ id, createdAt, fault, attempts, replay }: DeadLetterView, style: Style): TableRow {
  const when = createdAt.slice(0, 19).replace('T', ' ')
  const { code } = fault
  const cells = [id, code, when, `${attempts} attempts`, replay === undefined ? '' : 'replayed']
  return { cells, paint: (line) => line.replace(code, style.red(code)) }
}

function details(deadLetter: DeadLetterView, style: Style): string[] {
  const { id, kind, lane, stage, account, task, fault, internalCause, attempts, actor, createdAt, replay } =
    deadLetter
  return [
    style.bold(id),
    `job      ${kind}, ${lane}, stage ${stage}`,
    `task     ${task} of account ${account}`,
    `created  ${createdAt}, after ${attempts} attempts${actor === undefined ? '' : `, the last by ${actor}`}`,
    `fault    ${fault.code}: ${fault.detail}`,
    ...(internalCause === undefined ? [] : internalCause.split('\n').map((line) => `cause    ${line}`)),
    ...(replay === undefined ? [] : [`replayed ${replay.createdAt} as ${replay.task}`]),
  ]
}
