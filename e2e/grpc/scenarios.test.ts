import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openScenarioContext, type ScenarioContext } from './grpcurl/scenario-context.ts'
import { programs, readScenarioTable } from './scenario-table.ts'
import { downloadScenarios } from './grpcurl/download-scenarios.ts'
import { imageScenarios } from './grpcurl/image-scenarios.ts'
import { idempotencyScenarios } from './grpcurl/idempotency-scenarios.ts'
import { liveScenarios } from './grpcurl/live-scenarios.ts'
import { certificateScenarios, serverScenarios } from './grpcurl/server-scenarios.ts'
import { taskScenarios } from './grpcurl/task-scenarios.ts'
import { openScenarioRunners, type ScenarioReport, type ScenarioRunner } from './scenario-runner.ts'
import { startScenarioServer } from './scenario-server.ts'

const table = await readScenarioTable()
const grpcurlScenarios = {
  ...imageScenarios,
  ...taskScenarios,
  ...liveScenarios,
  ...downloadScenarios,
  ...idempotencyScenarios,
  ...serverScenarios,
}
const scope = new AsyncDisposableStack()
let runners: Record<'Python' | 'Go', ScenarioRunner>

beforeAll(async () => {
  runners = await openScenarioRunners(scope)
}, 300_000)
afterAll(() => scope.disposeAsync())

describe('the scenario table', () => {
  test('has rows that are numbered in order', () => {
    expect(table.length).toBeGreaterThan(50)
    expect(table.map((row) => row.number)).toEqual(table.map((_, i) => i + 1))
    expect(new Set(table.map((row) => row.scenario)).size).toBe(table.length)
  })

  // Unary methods are derived from declarations, and other tests make each with random values.
  const streams = ImageService.methods.filter(({ methodKind }) => methodKind !== 'unary')
  test.each(streams.map(({ name }) => name))('has a row about %s', (method) => {
    const rows = table.filter(({ sent }) => new RegExp(`\\b${method}\\b`).test(sent))
    expect(rows.length).toBeGreaterThan(0)
  })

  test.each([...programs])('names exactly the scenarios that %s runs', async (program) => {
    const scenarios = program === 'grpcurl' ? Object.keys(grpcurlScenarios) : await runners[program].list()
    expect(scenarios.toSorted()).toEqual(scenariosOf(program).toSorted())
  })
})

describe.each(['tokens', 'certificates'] as const)('clients authenticate with %s:', (credentials) => {
  const scope = new AsyncDisposableStack()
  let reports: Record<'Python' | 'Go', Promise<Map<string, ScenarioReport>>>
  let context: ScenarioContext
  beforeAll(async () => {
    const server = await startScenarioServer(scope, credentials)
    // These programs run at the same time as grpcurl.
    reports = {
      Python: runners.Python.run(server.flags('Python')),
      Go: runners.Go.run(server.flags('Go')),
    }
    for (const one of Object.values(reports)) one.catch(() => {})
    context = openScenarioContext(await server.grpcurlOptions())
  }, 60_000)
  afterAll(() => scope.disposeAsync())

  const rows = (program: (typeof programs)[number]) =>
    scenariosOf(program).filter(
      (name) => credentials === 'certificates' || !certificateScenarios.includes(name),
    )

  describe('grpcurl', () => {
    test.each(rows('grpcurl'))(
      '%s',
      async (name) => {
        await grpcurlScenarios[name]?.(context)
      },
      30_000,
    )
  })

  describe.each(['Python', 'Go'] as const)('%s', (program) => {
    // The first test waits for the program to exit.
    const timeoutMs = 120_000
    test.each(rows(program))(
      '%s',
      async (name) => {
        const report = (await reports[program]).get(name)
        if (report?.ok !== true) throw new Error(report?.why ?? 'The program did not run this scenario.')
      },
      timeoutMs,
    )
  })
})

function scenariosOf(program: (typeof programs)[number]): string[] {
  return table.filter(({ runBy }) => runBy.includes(program)).map(({ scenario }) => scenario)
}
