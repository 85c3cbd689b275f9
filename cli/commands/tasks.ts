import { Option, type Command } from 'commander'
import type { Client, TaskView } from '@pixelflow/client'
import { printText } from '@pixelflow/core/recipe/text'
import { statuses, type Status } from '@pixelflow/core/task'
import type { Context } from '../context.ts'
import { styleOf, type Style } from '../terminal/style.ts'
import { formatTable, terminalWidth, type Column, type TableRow } from '../terminal/table.ts'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { refuseUnknownCommands } from './add-help-command.ts'
import { addExamples } from './add-examples.ts'
import {
  parseLimit,
  addGrpcFlags,
  parseId,
  createReporterFor,
  openClientFor,
  type ServerFlags,
} from './server-flags.ts'

interface ListOptions extends ServerFlags {
  readonly status?: Status
  readonly limit: number
  readonly cursor?: string
}

export function addTasksCommand(program: Command, context: Context): void {
  const tasks = program
    .command('tasks')
    .summary('list, show, cancel, retry and delete tasks')
    .description('Lists your tasks, newest first. Shows, cancels, retries or deletes a task.')
  addExamples(tasks, [
    'tasks',
    'tasks list --status failed --limit 5',
    'tasks get 01936f2e-7c5e-7abc-9def-0123456789ab',
    'tasks cancel 01936f2e-7c5e-7abc-9def-0123456789ab',
    'tasks retry 01936f2e-7c5e-7abc-9def-0123456789ab',
  ])
  const style = styleOf(process.stdout, context.config.useColor)

  const list = tasks
    .command('list', { isDefault: true })
    .description('Lists your tasks, newest first.')
    .addOption(new Option('--status <status>', 'only tasks with this status').choices(statuses))
    .option('--limit <count>', 'maximum number, 1 to 200', parseLimit, 20)
    .option('--cursor <cursor>', 'continue a list after the cursor that it printed')
  refuseUnknownCommands(list)
  addGrpcFlags(list).action(async ({ status, limit, cursor, ...options }: ListOptions) => {
    await using server = await openClientFor(context, options)
    const page = await server.taskPage({ limit, status, cursor })
    const more = page.next === null ? [] : [style.dim(`more: --cursor ${page.next}`)]
    const none = page.items.length === 0 ? ['No tasks.'] : []
    createReporterFor(context, options).result(page, [
      ...none,
      ...formatTable(
        columns,
        page.items.map((task) => row(task, style)),
        {
          width: terminalWidth(process.stdout),
          style,
        },
      ),
      ...more,
    ])
  })

  one(tasks, 'get', 'Shows a task.', context, (server, id) => server.task(id))
  one(tasks, 'cancel', 'Cancels a task that has not ended.', context, (server, id) => server.cancel(id))
  one(tasks, 'retry', 'Runs the recipe of an ended task again, as a new task.', context, (server, id) =>
    server.retryTask(id, { idempotencyKey: crypto.randomUUID() }),
  )
  addGrpcFlags(
    tasks
      .command('delete')
      .description('Deletes a task and its outputs.')
      .argument('<task>', 'id of the task', parseId('task')),
  ).action(async (id: string, options: ServerFlags) => {
    await using server = await openClientFor(context, options)
    await server.deleteTask(id)
    createReporterFor(context, options).result({ id, deleted: true }, [`${id}  deleted`])
  })
}

function one(
  tasks: Command,
  name: string,
  description: string,
  context: Context,
  ask: (server: Client, id: string) => Promise<TaskView>,
): void {
  const command = tasks
    .command(name)
    .description(description)
    .argument('<task>', 'id of the task', parseId('task'))
  addGrpcFlags(command).action(async (id: string, options: ServerFlags) => {
    await using server = await openClientFor(context, options)
    const task = await ask(server, id)
    createReporterFor(context, options).result(
      task,
      details(task, styleOf(process.stdout, context.config.useColor)),
    )
  })
}

const columns: readonly Column[] = [{ omitOrder: 0 }, { omitOrder: 0 }, { omitOrder: 1 }, { omitOrder: 2 }]

function describeOutputs(count: number): string {
  return count === 1 ? '1 output' : `${count} outputs`
}

function row(task: TaskView, style: Style): TableRow {
  const when = task.createdAt.slice(0, 19).replace('T', ' ')
  const recipe = printText(task.recipe) ?? describeOutputs(task.outputs.length)
  const state = stateOf(task)
  return {
    cells: [task.id, state, when, recipe],
    paint: (line) => line.replace(state, painted(task, style)),
  }
}

function stateOf({ status, progress }: TaskView): string {
  return status === 'running' ? `running ${Math.round(progress)} %` : status
}

function painted(task: TaskView, style: Style): string {
  const { status } = task
  if (status === 'completed') return style.green(stateOf(task))
  if (status === 'failed' || status === 'cancelled') return style.red(stateOf(task))
  return style.yellow(stateOf(task))
}

function details(task: TaskView, style: Style): string[] {
  const recipe = printText(task.recipe) ?? JSON.stringify(task.recipe)
  const outputs = task.outputs.map(
    (one) => `output   ${one.name}  ${one.format} ${one.width}×${one.height}  ${formatBytes(one.bytes)}`,
  )
  return [
    `${style.bold(task.id)}  ${painted(task, style)}`,
    `image    ${task.image}`,
    `recipe   ${recipe}`,
    `lane     ${task.lane}`,
    ...(task.retryOf === undefined ? [] : [`retry of ${task.retryOf}`]),
    `created  ${task.createdAt}`,
    ...(task.endedAt === undefined ? [] : [`ended    ${task.endedAt}`]),
    ...(task.fault === undefined ? [] : [`fault    ${task.fault.detail}`]),
    ...outputs,
  ]
}
