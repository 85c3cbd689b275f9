import { Glob } from 'bun'

/** One room's tests, and what they need. */
export interface Suite {
  /** A folder at the top, or one in it that needs other things; those come before the rest of their room. */
  readonly room: string
  /** PinnedTool Go tools that are built first, so that no test waits for a compiler. */
  readonly tools?: readonly string[]
  readonly browser?: true
  /** The clients in other languages, with what they are built of. */
  readonly clients?: true
  /** Nothing else runs meanwhile: it measures memory, or starts many processes. */
  readonly alone?: true
  /** How long one file may take, in seconds. */
  readonly fileTimeoutS: number
}

/** The rooms that must have tests, in the order in which they run; a room with tests that is not listed runs too. */
export const suites: readonly Suite[] = [
  { room: 'core', fileTimeoutS: 120 },
  { room: 'platform', fileTimeoutS: 120 },
  { room: 'nats', fileTimeoutS: 180 },
  { room: 'gateway', fileTimeoutS: 180 },
  { room: 'actors', fileTimeoutS: 180 },
  { room: 'ui', fileTimeoutS: 120 },
  { room: 'clients', fileTimeoutS: 240 },
  { room: 'cli', fileTimeoutS: 240 },
  { room: 'testkit', fileTimeoutS: 120 },
  { room: 'deploy', fileTimeoutS: 240, tools: ['helm'] },
  { room: 'loadtest', fileTimeoutS: 120, tools: ['k6'] },
  { room: 'house', fileTimeoutS: 60 },
  { room: 'e2e/grpc', fileTimeoutS: 300, tools: ['grpcurl'], clients: true, alone: true },
  { room: 'e2e', fileTimeoutS: 300, browser: true, alone: true },
]

export interface TestFile {
  readonly path: string
  readonly suite: Suite
}

/** The test files of a checkout, in the order of the suites. Those at the top make the suite `house`. */
export async function findTests(root: string): Promise<TestFile[]> {
  const files: string[] = []
  for await (const path of new Glob('**/*.test.{ts,tsx}').scan({ cwd: root })) {
    if (!/(^|\/)(node_modules|dist|\.[^/]+)\//.test(path)) files.push(path)
  }
  const rank = (path: string) => suites.indexOf(suiteOf(path))
  return files
    .sort()
    .map((path) => ({ path, suite: suiteOf(path) }))
    .sort((a, b) => position(rank(a.path)) - position(rank(b.path)))
}

/** A room that nobody has listed comes before those that run alone. */
function position(rank: number): number {
  return rank === -1 ? suites.findIndex((suite) => suite.alone) - 0.5 : rank
}

function suiteOf(path: string): Suite {
  const room = path.includes('/') ? (path.split('/')[0] ?? '') : 'house'
  const inside = suites.find((suite) => path.startsWith(`${suite.room}/`))
  return inside ?? suites.find((suite) => suite.room === room) ?? { room, fileTimeoutS: 120 }
}

/** Those that somebody asked for, by room or by the beginning of a path; all when nobody asked for any. */
export function chosen(files: readonly TestFile[], asked: readonly string[]): TestFile[] {
  if (asked.length === 0) return [...files]
  const plain = asked.map((one) => one.replace(/^\.\//, '').replace(/\/$/, ''))
  return files.filter(({ path, suite }) =>
    plain.some((one) => suite.room === one || path === one || path.startsWith(`${one}/`)),
  )
}
