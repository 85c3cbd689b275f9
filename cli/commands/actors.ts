import type { ActorView } from '@pixelflow/client'
import { formatBytes } from '@pixelflow/core/format-bytes'
import { formatDuration } from '@pixelflow/core/format-duration'
import { pause } from '@pixelflow/core/pause'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { styleOf, type Style } from '../terminal/style.ts'
import { truncate, formatTable, terminalWidth, type Column } from '../terminal/table.ts'
import { addExamples } from './add-examples.ts'
import { addGrpcFlags, createReporterFor, openClientFor, type ServerFlags } from './server-flags.ts'

interface ActorsOptions extends ServerFlags {
  readonly watch?: boolean
}

/** Refresh interval of `--watch`. */
const refreshMs = 1000

export function addActorsCommand(program: Command, context: Context): void {
  const command = program
    .command('actors')
    .summary('list the actors and their tasks')
    .description('Lists the actors: their state, their tasks and their kinds.')
    .option('--watch', 'refresh every second, until interrupted')
  addExamples(addGrpcFlags(command), ['actors', 'actors --watch', 'actors --json']).action(
    async ({ watch = false, ...options }: ActorsOptions) => {
      const { signal } = context.interrupts
      const style = styleOf(process.stdout, context.config.useColor)
      const isScreen = watch && options.json !== true && process.stdout.isTTY
      await using server = await openClientFor(context, options)
      const reporter = createReporterFor(context, options)
      do {
        const items = await server.actors()
        if (isScreen) process.stdout.write(clearScreen)
        reporter.result({ items }, table(items, style))
        if (watch) await pause(refreshMs, signal)
        signal.throwIfAborted()
      } while (watch)
    },
  )
}

const clearScreen = '\u001B[H\u001B[2J\u001B[3J'

/** The table says what a state means; the names of the API are in the output of `--json`. */
const stateTexts: Readonly<Record<ActorView['state'], string>> = {
  ready: 'ready',
  resting: 'crashing',
  draining: 'draining',
}

const columns: readonly Column[] = [
  { head: 'NAME', omitOrder: 0 },
  { head: 'STATE', omitOrder: 0 },
  { head: 'VERSION', omitOrder: 5 },
  { head: 'TASKS', omitOrder: 1 },
  { head: 'LIVE', omitOrder: 4 },
  { head: 'WORKERS', omitOrder: 4 },
  { head: 'MEMORY', omitOrder: 2 },
  { head: 'UP', omitOrder: 3 },
  { head: 'KINDS', omitOrder: 6 },
]

function table(actors: readonly ActorView[], style: Style): string[] {
  if (actors.length === 0) return ['No actors. Tasks wait until an actor starts.']
  const width = terminalWidth(process.stdout)
  const rows = actors.map((one) => ({
    cells: [
      one.name,
      stateTexts[one.state],
      one.version,
      `${one.held}/${one.slots}`,
      String(one.sessions),
      String(one.children),
      formatBytes(one.residentBytes),
      age(one.startedAt, one),
      one.kinds.join(','),
    ],
    paint: (line: string) => coloured(line, one, style),
  }))
  const [heading = '', ...lines] = formatTable(columns, rows, { width, style })
  return [
    heading,
    ...actors.flatMap((actor, at) => [
      lines[at] ?? '',
      ...actor.tasks.map(({ task, attempt, since }) => {
        const tried = attempt > 1 ? `, attempt ${attempt}` : ''
        return style.dim(truncate(`  ${task}  for ${age(since, actor)}${tried}`, width))
      }),
    ]),
  ]
}

/** Time from `iso` until the actor was last seen. Both are by the server's clock, from which ours may differ. */
function age(iso: string, { seenAt }: ActorView): string {
  const ms = Math.max(0, Date.parse(seenAt) - Date.parse(iso))
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return formatDuration(ms)
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

function coloured(line: string, { state }: ActorView, style: Style): string {
  if (state === 'resting') return style.red(line)
  return state === 'draining' ? style.yellow(line) : line
}
