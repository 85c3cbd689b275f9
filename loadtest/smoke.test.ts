import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { buildGoTool } from '@pixelflow/cli/tools/go'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import { freePort } from '@pixelflow/testkit/port'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { formatReport, LoadTestError, runLoadTest, createLoadPhoto, writeReport } from './main.ts'
import type { LoadRun, LoadServer } from './runners/load-run.ts'
import { scenarioNames, scenarios, type ScenarioName } from './scenarios.ts'

/** Runs the smoke profile of each scenario, as `./pixelflow loadtest SCENARIO --profile smoke` does, at one server. */

const { root, cacheDir, env } = readConfig()
const say = (text: string) => void process.stderr.write(`${text}\n`)
const k6 = await buildGoTool('k6', { root, cacheDir, path: env['PATH'], say })
const jpeg = await createLoadPhoto()

let stack: Stack
let server: LoadServer
let folder: string

beforeAll(async () => {
  stack = await startStack({ env: { PIXELFLOW_API_TOKENS: 'alice:sesame' } })
  const grpcPort = String(await freePort())
  const [gateway] = await Promise.all([
    stack.gateway({ env: { PIXELFLOW_GRPC_PORT: grpcPort } }),
    stack.actor(),
  ])
  server = {
    url: gateway.url,
    grpcAddresses: [`127.0.0.1:${grpcPort}`],
    isGrpcEncrypted: false,
    version: 'test',
    token: 'sesame',
  }
  folder = await mkdtemp(join(tmpdir(), 'pixelflow-report-'))
})
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function smoke(scenario: ScenarioName, changes: Partial<LoadRun> = {}, k6Options: readonly string[] = []) {
  const { signal } = new AbortController()
  const users = scenarios[scenario].users.smoke
  const recipe = JSON.stringify(parseRecipe('resize:200/format:webp'))
  const run: LoadRun = { scenario, profile: 'smoke', users, server, jpeg, recipe, signal, ...changes }
  return runLoadTest(run, { k6, k6Options, isShown: false })
}

describe('at a working server', () => {
  test.each(scenarioNames)(
    '%s passes',
    async (scenario) => {
      const report = await smoke(scenario)
      const text = formatReport(report).join('\n')
      expect(report.isPassed, text).toBe(true)
      // Without a check or a series, it would not have measured anything.
      expect(report.checks.length, text).toBeGreaterThan(0)
      expect(report.checks.filter(({ fails }) => fails > 0)).toEqual([])
      expect(report.series.map(({ points }) => points.length > 0)).not.toContain(false)
      const durations = report.durations.map(({ name }) => name)
      expect(durations).toEqual(expect.arrayContaining(Object.keys(scenarios[scenario].limitsMs)))

      const page = await Bun.file(await writeReport(report, folder)).text()
      expect(page).toContain(`Load test ${scenario}, profile smoke`)
      expect(page).not.toMatch(/<script|<link|(?:src|href)=/)
      expect(await Bun.file(join(folder, 'report.json')).json()).toEqual(report)
    },
    60_000,
  )

  test('the load tests leave no task', async () => {
    const headers = { authorization: 'Bearer sesame' }
    const response = await fetch(`${server.url}/api/v1/tasks`, { headers })
    expect(await response.json()).toEqual({ items: [], next: null })
  })
})

describe('at a server that refuses every call', () => {
  test.each(['tasks', 'grpc-upload', 'followers'] as const)(
    '%s does not pass',
    async (scenario) => {
      const refusing = { ...server, token: 'wrong' }
      const result = await smoke(scenario, { server: refusing, users: 1, holdS: 1 }).catch(
        (error: unknown) => error,
      )
      if (result instanceof LoadTestError) expect(result.output).toContain('The token is unknown.')
      else expect(result).toMatchObject({ isPassed: false })
    },
    60_000,
  )
})

test('an invalid option of k6 is displayed', async () => {
  const failed = smoke('tasks', {}, ['--bogus']).catch((error: LoadTestError) => error.output)
  expect(await failed).toContain('--bogus')
})
