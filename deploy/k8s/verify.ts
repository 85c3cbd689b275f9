import { checkChart, render, validateObjects, valueSets } from './check-chart.ts'

/**
 * Checks the chart: `bun deploy/k8s/verify.ts`. Lints, renders and validates every set of values against the schemas of
 * the API. Then misspells one field, to prove that the checks find errors. Exits with 1 if a check fails.
 */
let failures = 0

for (const [name, values] of Object.entries(valueSets))
  report(`chart, ${name} values`, await checkChart(values))

const { text } = await render([])
const misspelt = await validateObjects(
  text.replace('terminationGracePeriodSeconds', 'terminationGracePeriodSecs'),
)
report('a misspelt field is an error', {
  ok: !misspelt.ok && misspelt.text.includes('terminationGracePeriodSecs'),
  text: `kubectl-validate accepted it:\n${misspelt.text}`,
})

process.exit(failures === 0 ? 0 : 1)

function report(check: string, outcome: { ok: boolean; text: string }) {
  console.log(`${outcome.ok ? 'ok  ' : 'FAIL'} ${check}`)
  if (outcome.ok) return
  failures += 1
  console.log(outcome.text.trim())
}
