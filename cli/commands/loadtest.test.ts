import { afterAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseNdjson, pixelflow } from '../testing/cli-fixture.ts'

const home = await mkdtemp(join(tmpdir(), 'pixelflow-loadtest-'))

afterAll(() => rm(home, { recursive: true, force: true }))

/** Without it, a server at the default address would be tested. */
const unusedAddress = { PIXELFLOW_HOST: '127.0.0.77' }

async function loadtest(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { PATH, HOME, PIXELFLOW_CACHE_DIR, PIXELFLOW_NATS_SERVER_PATH } = process.env
  const child = Bun.spawn([pixelflow, 'loadtest', ...args], {
    cwd: home,
    env: {
      PATH,
      HOME,
      PIXELFLOW_CACHE_DIR,
      PIXELFLOW_NATS_SERVER_PATH,
      PIXELFLOW_DATA_DIR: join(home, 'data'),
      ...env,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, err }
}

describe('the command line', () => {
  test.each([
    [[], 'No scenario is given.', 'Scenarios: tasks, '],
    [['taks'], 'Unknown scenario taks.', 'Did you mean tasks?'],
    [['nonsense'], 'Unknown scenario nonsense.', 'Scenarios: tasks, '],
    [['smoke'], 'Unknown scenario smoke.', './pixelflow loadtest tasks --profile smoke'],
    [['tasks', '--profile', 'sok'], 'Unknown profile sok.', 'Did you mean soak?'],
    [['tasks', '--users', '0'], '--users must be a whole number from 1 to 20000, got 0.', 'Give a number'],
    [['tasks', '--duration', '10'], '--duration must be a time from 1s to 168h, got 10.', 'such as 30s'],
    [['tasks', '--image', 'none.jpg'], 'none.jpg cannot be read.', 'Give a JPEG file'],
    [['tasks', '--recipe', 'nonsense'], 'unknown operation "nonsense"', 'remedy'],
    [['followers', '--', '--quiet'], 'has no options for k6', 'Leave out --quiet.'],
  ])('%p is refused', async (args, problem, remedy) => {
    const { code, err } = await loadtest(args)
    expect(err).toContain(problem)
    expect(err).toContain(remedy)
    expect(code).toBe(2)
  })

  test('a report that cannot be written is refused before the test', async () => {
    await Bun.write(join(home, 'afile'), '')
    for (const report of ['afile', 'afile/x', '/proc/x']) {
      const { code, err } = await loadtest(['followers', '--profile', 'smoke', '--report', report])
      expect(err).toMatch(/^error: The folder .* is not writable \(\w+\)\.\n  field    --report\n/)
      expect(code).toBe(2)
    }
  })

  test('a named server that is not reachable is an error', async () => {
    const { code, err } = await loadtest(['followers', '--server', 'http://127.0.0.1:1'])
    expect(err).toContain('No PixelFlow server is reachable at http://127.0.0.1:1.')
    expect(err).toContain('Start it with ./pixelflow up')
    expect(code).toBe(3)
  })
})

test('without a server, a temporary one is tested, and its data is deleted', async () => {
  const flags = ['followers', '--profile', 'smoke', '--users', '4', '--duration', '1s', '--json']
  const { code, out, err } = await loadtest(flags, unusedAddress)
  expect(code, err).toBe(0)
  expect(parseNdjson(out).at(-1)).toMatchObject({ scenario: 'followers', profile: 'smoke', isPassed: true })
  const folder = join(home, 'data/loadtest')
  expect(await readdir(join(folder, 'followers-smoke'))).toEqual(
    expect.arrayContaining(['report.html', 'report.json']),
  )
  expect(await readdir(folder)).not.toContain('server')
}, 60_000)

test('a result is printed although its report cannot be written', async () => {
  await mkdir(join(home, 'report/report.html'), { recursive: true })
  const flags = ['followers', '--profile', 'smoke', '--users', '4', '--duration', '1s', '--report', 'report']
  const { code, out, err } = await loadtest(flags, unusedAddress)
  expect(out).toContain('Every threshold passed.')
  expect(err).toMatch(/error: The report was not written to .*report \(EISDIR\)\.\n  field    --report\n/)
  expect(code).toBe(1)
}, 60_000)
