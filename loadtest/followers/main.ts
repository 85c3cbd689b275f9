import { openHttp } from '@pixelflow/client'
import { profiles, stagesOf, type Profile, type ProfileName } from '../profiles.ts'
import { scenarios } from '../scenarios.ts'
import { createMeasurements } from './measurements.ts'
import { runFollowers } from './run-followers.ts'

/** Runs the followers and writes their result as JSON to LOADTEST_SUMMARY_FILE. Reads the same variables as the scripts of k6. */

const token = process.env['LOADTEST_TOKEN']
const tls = {
  ...optional('ca', process.env['LOADTEST_CA']),
  ...optional('cert', process.env['LOADTEST_CERT']),
  ...optional('key', process.env['LOADTEST_KEY']),
}
const url = process.env['LOADTEST_URL'] ?? ''
const profile: Profile = profiles[process.env['LOADTEST_PROFILE'] as ProfileName]
const holdS = process.env['LOADTEST_HOLD_S']
const stages = stagesOf(
  profile,
  Number(process.env['LOADTEST_USERS']),
  holdS === undefined ? undefined : Number(holdS),
)

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort())

const measurements = createMeasurements()
await runFollowers({
  client: openHttp({ url, token, fetch: (address, init) => fetch(address, { ...init, tls }) }),
  connection: { url, token, tls },
  jpeg: await Bun.file(process.env['LOADTEST_IMAGE_FILE'] ?? '').bytes(),
  stages,
  measurements,
  signal: interrupted.signal,
  say: (text) => process.stderr.write(`${text}\n`),
})

const { latencyFactor, maxFailedChecks } = profile
const limits = latencyFactor === undefined ? [] : Object.entries(scenarios.followers.limitsMs)
const result = measurements.result({
  // Some followers always change from one task to the next.
  minOpenFollowers: Math.ceil(0.95 * Math.max(...stages.map(({ users }) => users))),
  maxFailedChecks,
  limitsMs: Object.fromEntries(limits.map(([name, ms]) => [name, ms * (latencyFactor ?? 1)])),
})
await Bun.write(process.env['LOADTEST_SUMMARY_FILE'] ?? '', JSON.stringify(result))

function optional<K extends string>(name: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]: string })
}
