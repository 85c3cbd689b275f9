import { gate, render, validate, valueSets } from './gates.ts'

/**
 * The gates of the chart: `bun deploy/k8s/verify.ts`. Every set of values is linted, rendered and validated against the
 * schemas of the API; then one field is misspelt on purpose, for gates that let everything through are worth nothing.
 * Ends with 1 when any of it is not as it should be.
 */
let failures = 0

for (const [name, values] of Object.entries(valueSets)) report(`chart, ${name} values`, await gate(values))

const { text } = await render([])
const misspelt = await validate(text.replace('terminationGracePeriodSeconds', 'terminationGracePeriodSecs'))
report('a misspelt field is refused', {
  ok: !misspelt.ok && misspelt.text.includes('terminationGracePeriodSecs'),
  text: `kubectl-validate let it pass:\n${misspelt.text}`,
})

process.exit(failures === 0 ? 0 : 1)

function report(what: string, outcome: { ok: boolean; text: string }) {
  console.log(`${outcome.ok ? 'ok  ' : 'FAIL'} ${what}`)
  if (outcome.ok) return
  failures += 1
  console.log(outcome.text.trim())
}
