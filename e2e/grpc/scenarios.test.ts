import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openBench, type Bench } from './bench.ts'
import { programs, readDocument } from './document.ts'
import { downloadScenarios } from './grpcurl-downloads.ts'
import { imageScenarios } from './grpcurl-images.ts'
import { keyScenarios } from './grpcurl-keys.ts'
import { liveScenarios } from './grpcurl-live.ts'
import { onlyWithCertificates, serverScenarios } from './grpcurl-server.ts'
import { taskScenarios } from './grpcurl-tasks.ts'
import { openRunners, type Report, type Runner } from './programs.ts'
import { serve } from './server.ts'

const document = await readDocument()
const ofGrpcurl = {
  ...imageScenarios,
  ...taskScenarios,
  ...liveScenarios,
  ...downloadScenarios,
  ...keyScenarios,
  ...serverScenarios,
}
const scope = new AsyncDisposableStack()
let runners: Record<'Python' | 'Go', Runner>

beforeAll(async () => {
  runners = await openRunners(scope)
}, 300_000)
afterAll(() => scope.disposeAsync())

describe('the document', () => {
  test('numbers its rows', () => {
    expect(document.length).toBeGreaterThan(50)
    expect(document.map((row) => row.number)).toEqual(document.map((_, i) => i + 1))
    expect(new Set(document.map((row) => row.scenario)).size).toBe(document.length)
  })

  test.each(ImageService.methods.map(({ name }) => name))('has a row about %s', (method) => {
    const rows = document.filter(({ sent }) => new RegExp(`\\b${method}\\b`).test(sent))
    expect(rows.length).toBeGreaterThan(0)
  })

  test.each([...programs])('names what %s runs, and nothing else', async (program) => {
    const runs = program === 'grpcurl' ? Object.keys(ofGrpcurl) : await runners[program].list()
    expect(runs.toSorted()).toEqual(scenariosOf(program).toSorted())
  })
})

describe.each(['tokens', 'certificates'] as const)('who calls is told by %s:', (by) => {
  const scope = new AsyncDisposableStack()
  let reports: Record<'Python' | 'Go', Promise<Map<string, Report>>>
  let bench: Bench
  beforeAll(async () => {
    const served = await serve(scope, by)
    // They run while grpcurl does.
    reports = {
      Python: runners.Python.run(served.flags('Python')),
      Go: runners.Go.run(served.flags('Go')),
    }
    for (const one of Object.values(reports)) one.catch(() => {})
    bench = openBench(await served.callers())
  }, 60_000)
  afterAll(() => scope.disposeAsync())

  const rows = (program: (typeof programs)[number]) =>
    scenariosOf(program).filter((name) => by === 'certificates' || !onlyWithCertificates.includes(name))

  describe('grpcurl', () => {
    test.each(rows('grpcurl'))(
      '%s',
      async (name) => {
        await ofGrpcurl[name]?.(bench)
      },
      30_000,
    )
  })

  describe.each(['Python', 'Go'] as const)('%s', (program) => {
    // The first of them waits for the program to end.
    const atMostMs = 120_000
    test.each(rows(program))(
      '%s',
      async (name) => {
        const report = (await reports[program]).get(name)
        if (report?.ok !== true) throw new Error(report?.why ?? 'It was not run.')
      },
      atMostMs,
    )
  })
})

function scenariosOf(program: (typeof programs)[number]): string[] {
  return document.filter(({ runBy }) => runBy.includes(program)).map(({ scenario }) => scenario)
}
