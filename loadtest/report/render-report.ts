import { describeThreshold } from './format-report.ts'
import { formatMeasurement } from './format-measurement.ts'
import type { Stage } from '../profiles.ts'
import type { LoadReport } from './load-report.ts'
import { renderChart } from './render-chart.ts'

/** The report as one HTML file that needs no other file, no script and no network. */
export function renderReport(report: LoadReport): string {
  const { scenario, profile, isPassed, thresholds, checks, durations, counts, series } = report
  const title = `Load test ${scenario}, profile ${profile}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${Bun.escapeHTML(title)}</title>
<style>${style}</style>
<main>
<h1>${Bun.escapeHTML(title)} <b class="${isPassed ? 'passed' : 'failed'}">${isPassed ? 'passed' : 'failed'}</b></h1>
<p>${Bun.escapeHTML(report.summary)}</p>
${renderTable([], factsOf(report))}
<h2>Thresholds</h2>
${renderTable(
  ['', 'metric and rule'],
  thresholds.map((one) => [one.isPassed ? '✓' : '✗', describeThreshold(one)]),
  (at) => (thresholds[at]?.isPassed ? '' : 'failed'),
)}
<h2>Durations</h2>
${renderTable(
  ['metric', 'samples', 'median', 'p95', 'p99', 'max'],
  durations.map(({ name, count, median, p95, p99, max }) => [
    name,
    String(count),
    ...[median, p95, p99, max].map((ms) => formatMeasurement(ms, 'ms')),
  ]),
)}
<h2>Over time</h2>
<div class="charts">${series
    .filter(({ points }) => points.length > 1)
    .map(renderChart)
    .join('')}</div>
<h2>Checks</h2>
${renderTable(
  ['condition', 'passed', 'failed'],
  checks.map(({ name, passes, fails }) => [name, String(passes), String(fails)]),
  (at) => (checks[at]?.fails === 0 ? '' : 'failed'),
)}
<h2>Counts</h2>
${renderTable(
  ['metric', 'total', 'per second'],
  counts.map(({ name, unit, total, perSecond }) => [
    name,
    ...[total, perSecond].map((value) => formatMeasurement(value, unit)),
  ]),
)}
</main>
</html>
`
}

function factsOf(report: LoadReport): string[][] {
  const { server, client, users, stages, imageBytes, recipe, startedAt, durationMs } = report
  return [
    ['server', `${server.url}, version ${server.version}`],
    ['run by', `${client.cores} cores, ${client.cpu}`],
    ['users at level 1', String(users)],
    ['stages', stages.map(describeStage).join(', ')],
    ['image', `JPEG of ${formatMeasurement(imageBytes, 'bytes')}`],
    ...(recipe === undefined ? [] : [['recipe', recipe]]),
    ['started', startedAt],
    ['duration', formatMeasurement(durationMs, 'ms')],
  ]
}

/** A stage, which begins with the users of the one before. */
function describeStage({ seconds, users }: Stage, at: number, stages: readonly Stage[]): string {
  const before = stages[at - 1]?.users ?? 0
  return before === users ? `${users} users for ${seconds} s` : `${before} → ${users} users in ${seconds} s`
}

/** A table of texts. `classOf` gives a row its class. */
function renderTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  classOf: (at: number) => string = () => '',
): string {
  const render = (tag: 'td' | 'th', texts: readonly string[]) =>
    texts.map((text) => `<${tag}>${Bun.escapeHTML(text)}</${tag}>`).join('')
  const head = heads.length === 0 ? '' : `<tr>${render('th', heads)}</tr>`
  return `<table>${head}${rows
    .map((row, at) => `<tr class="${classOf(at)}">${render('td', row)}</tr>`)
    .join('')}</table>`
}

const style = `
:root { color-scheme: light dark; --text: #1c2127; --line: #d5dae1; --mark: #2463c9; --good: #12703c; --bad: #b3261e; --page: #fff }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ed; --line: #3b434d; --mark: #86b3ff; --good: #6ed39a; --bad: #ff8f86; --page: #14181d } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 0 }
main { max-width: 1100px; margin: auto; padding: 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
b.passed { color: var(--good) } b.failed, tr.failed td { color: var(--bad) }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td { font-variant-numeric: tabular-nums }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 1rem }
figure { margin: 0 } figcaption { font-weight: 600 }
svg { width: 100% } svg line { stroke: var(--line) } svg text { font-size: 13px; fill: var(--text) }
svg polyline { fill: none; stroke: var(--mark); stroke-width: 1.5 }
`
