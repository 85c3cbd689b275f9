import type { BenchResults, PartResult } from './bench-results.ts'
import { budgetSection } from './budget-section.ts'
import { limitsSection } from './limits-section.ts'
import { memorySection } from './memory-section.ts'
import { systemNames } from '../works/system.ts'
import type { MeasuredReports } from './page-section.ts'
import { scaleSection } from './scale-section.ts'
import { worksSection } from './works-section.ts'

/** The parts of the benchmark that are on the page. */
const partNames = 'works,budget,footprint,process,transfer,reads,followers,scale'

/** Cores that other programs use above which the numbers of a part say little about rates and times. */
const maxLoad = 0.3

/** Renders `performance.md` and its pictures from the results of the benchmark: the texts by their path in `docs/`. */
export function renderPerformance(results: BenchResults): Record<string, string> {
  const reports = reportsOf(results)
  const exact = reportsOf(results, ({ isQuick, otherLoad }) => !isQuick && otherLoad <= maxLoad)
  const sections = [
    limitsSection(reports, exact),
    ...[worksSection, budgetSection, memorySection, scaleSection].map((section) => section(reports)),
  ]
  const days = [...new Set(Object.values(results.parts).map(({ measuredOn }) => measuredOn))].toSorted()
  const page = [
    '# Performance',
    '',
    'Generated from `bench/results.json` by `./pixelflow verify --write`; do not edit. Measure again, on a machine without other load:',
    '',
    '```sh',
    `./pixelflow bench --parts ${partNames} --systems ${systemNames.join(',')} --save bench/results.json`,
    './pixelflow verify --write',
    '```',
    '',
    `Measured on ${results.machine}; ${days.join(', ')}. What is compared was measured in turns in one run. CPU time is that which`,
    'the operating system counts for all threads of a process. The client uses the same cores.',
    '',
    ...renderWarnings(results),
    ...sections.flatMap(({ lines }) => lines),
  ]
  return {
    'performance.md': `${page.join('\n').trimEnd()}\n`,
    ...Object.assign({}, ...sections.map(({ pictures }) => pictures)),
  } as Record<string, string>
}

type AnyResult = Pick<PartResult<unknown>, 'isQuick' | 'otherLoad'>

/** The reports alone, of the parts that are accepted. */
function reportsOf(
  results: BenchResults,
  accept: (part: AnyResult) => boolean = () => true,
): MeasuredReports {
  const parts = Object.entries(results.parts).filter(([, part]) => accept(part))
  return Object.fromEntries(parts.map(([name, part]) => [name, part.report]))
}

/** What makes results less exact than they should be. */
function renderWarnings(results: BenchResults): string[] {
  const parts = Object.entries(results.parts)
  const quick = parts.filter(([, { isQuick }]) => isQuick).map(([name]) => name)
  const busy = parts.filter(([, { otherLoad }]) => otherLoad > maxLoad).map(([name]) => name)
  return [
    ...(quick.length > 0
      ? [`**For orientation only, measured with a tenth of the tasks:** ${quick.join(', ')}.`, '']
      : []),
    ...(busy.length > 0
      ? [
          `**Measured while other programs used the machine, so that only CPU times are worth reading:** ${busy.join(', ')}.`,
          '',
        ]
      : []),
  ]
}
