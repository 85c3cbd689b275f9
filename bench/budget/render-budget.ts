import { renderMarkdownTable } from './render-markdown-table.ts'
import type { ProcessBudget, TaskBudget } from './task-budget.ts'

interface Row {
  readonly name: string
  readonly digits: number
  readonly read: (budget: ProcessBudget) => number | undefined
}

const kilobytes = (bytes: number | undefined) => bytes && bytes / 1000

const rows: readonly Row[] = [
  { name: 'CPU, ms', digits: 2, read: (one) => one.cpuMs },
  { name: 'messages to the broker', digits: 1, read: (one) => one.traffic?.messagesIn },
  { name: 'messages from the broker', digits: 1, read: (one) => one.traffic?.messagesOut },
  { name: 'kB to the broker', digits: 1, read: (one) => kilobytes(one.traffic?.bytesIn) },
  { name: 'kB from the broker', digits: 1, read: (one) => kilobytes(one.traffic?.bytesOut) },
  { name: 'kB read by `read`', digits: 1, read: (one) => kilobytes(one.fileBytes?.read) },
  { name: 'kB written by `write`', digits: 1, read: (one) => kilobytes(one.fileBytes?.written) },
  { name: 'JSON calls', digits: 1, read: (one) => one.calls?.jsonCalls },
  { name: 'thousand characters of JSON', digits: 1, read: (one) => kilobytes(one.calls?.jsonCharacters) },
  { name: 'schema checks', digits: 1, read: (one) => one.calls?.schemaParses },
  { name: 'timers started', digits: 1, read: (one) => one.calls?.timers },
  { name: 'calls of SHA-256', digits: 1, read: (one) => one.calls?.hashUpdates },
  { name: 'kB hashed', digits: 1, read: (one) => kilobytes(one.calls?.hashedBytes) },
]

/** The budget of a task as two tables in Markdown, which are readable as text too. */
export function renderBudget({ title, sourceBytes, processes, stages }: TaskBudget): string {
  const names = Object.keys(processes)
  const kinds = [
    ...new Set(names.flatMap((name) => Object.keys(processes[name]?.systemCalls ?? {}))),
  ].toSorted()
  const systemRows = kinds.map((kind): Row => ({
    name: `system calls: ${kind}`,
    digits: 1,
    read: (one) => one.systemCalls?.[kind],
  }))
  const cells = [...rows, ...systemRows].map(({ name, digits, read }) => [
    name,
    ...names.map((process) => {
      const budget = processes[process]
      return (budget && read(budget)?.toFixed(digits)) ?? ''
    }),
  ])
  return [
    `${title}: one task (a JPEG of ${sourceBytes} bytes)`,
    '',
    renderMarkdownTable(['', ...names], cells),
    '',
    ...(kinds.length === 0 ? ['System calls were not counted, because strace was not on PATH.', ''] : []),
    renderMarkdownTable(
      ['stage, one task at a time', 'ms'],
      stages.map(({ name, ms }) => [name, ms.toFixed(1)]),
    ),
  ].join('\n')
}
