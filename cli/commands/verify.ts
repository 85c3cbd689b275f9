import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../cli-error.ts'
import { createLiveLine } from '../terminal/live-line.ts'
import { styleOf } from '../terminal/style.ts'
import { formatDuration } from '@pixelflow/core/format-duration'
import { buildGoTool } from '../tools/go.ts'
import { checks, type Check } from '../verify/checks.ts'
import { fixCheck, runCheck } from '../verify/run-check.ts'
import { addExamples } from './add-examples.ts'

export function addVerifyCommand(program: Command, context: Context): void {
  const command = program
    .command('verify')
    .summary('run every static check')
    .description('Runs every static check, the fast ones first, and shows the output of failed checks.')
    .argument('[checks...]', 'run only checks whose names contain one of these words')
    .option('--write', 'first format the code and write the generated pages')
  addExamples(command, ['verify', 'verify lint types', 'verify --write']).action(
    async (selection: string[], { write: mustWrite = false }: { write?: boolean }) =>
      verify(selection, mustWrite, context),
  )
}

async function verify(
  selection: readonly string[],
  mustWrite: boolean,
  { config, interrupts }: Context,
): Promise<void> {
  const style = styleOf(process.stdout, config.useColor)
  const live = createLiveLine(process.stdout)
  const isTerminal = process.stdout.isTTY
  const print = (text: string) => (isTerminal ? live.print(text) : process.stdout.write(`${text}\n`))
  const selected = checks.filter((check) => isSelected(check, selection))
  const isFirst = ({ isReadByOthers }: Check) => mustWrite && isReadByOthers === true
  const chosen = [...selected.filter(isFirst), ...selected.filter((check) => !isFirst(check))]
  if (chosen.length === 0) {
    throw new CliError('usage', `Unknown check ${selection.join(' or ')}.`, {
      remedy: `Checks: ${checks.map((check) => check.name).join('; ')}.`,
    })
  }
  const surroundings = { root: config.root, env: config.env, signal: interrupts.signal }
  let failed = 0
  for (const check of chosen) {
    for (const name of check.tools ?? []) {
      await buildGoTool(name, { ...config, path: config.env['PATH'], say: (text) => print(style.dim(text)) })
    }
    if (isTerminal) live.show(style.dim(`  ${check.name} …`))
    if (mustWrite) await fixCheck(check, surroundings)
    const { ok, output, tookMs } = await runCheck(check, surroundings)
    if (interrupts.signal.aborted) throw new CliError('interrupted', 'Interrupted.')
    print(`${ok ? style.green('✓') : style.red('✗')} ${check.name}  ${style.dim(formatDuration(tookMs))}`)
    if (!ok) print(`${output}\n`)
    failed += ok ? 0 : 1
  }
  live.clear()
  process.stdout.write(`\n${chosen.length - failed} of ${chosen.length} checks passed\n`)
  if (failed > 0) process.exitCode = 1
}

function isSelected({ name }: Check, selection: readonly string[]): boolean {
  return selection.length === 0 || selection.some((part) => name.includes(part))
}
