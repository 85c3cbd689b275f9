import { Glob } from 'bun'

/** The tests of one package, and what they need. */
export interface Suite {
  /** A package, or a folder of a package that needs other tools and runs before the rest of the package. */
  readonly name: string
  /** Names of pinned Go tools that are built first, so that no test waits for a compiler. */
  readonly tools?: readonly string[]
  readonly browser?: true
  /** Needs schemathesis, which calls the HTTP API with generated requests. */
  readonly schemathesis?: true
  /** Needs the clients in Go and Python. */
  readonly clients?: true
  /** Needs the generator of Python clients. */
  readonly openapiPythonClient?: true
  /** Runs while no other test runs, because it measures memory or starts many processes. */
  readonly alone?: true
  /** Time limit of one file, in seconds. */
  readonly fileTimeoutS: number
}

/** The packages that must have tests, in the order of their execution. Tests of other packages run too. */
export const suites: readonly Suite[] = [
  { name: 'core', fileTimeoutS: 120 },
  { name: 'platform', fileTimeoutS: 120 },
  { name: 'nats', fileTimeoutS: 180 },
  { name: 'gateway', fileTimeoutS: 180 },
  { name: 'actors', fileTimeoutS: 180 },
  { name: 'ui', fileTimeoutS: 120 },
  { name: 'clients', fileTimeoutS: 240 },
  { name: 'cli', fileTimeoutS: 240 },
  { name: 'testkit', fileTimeoutS: 120 },
  { name: 'deploy', fileTimeoutS: 240, tools: ['helm'] },
  { name: 'loadtest', fileTimeoutS: 120, tools: ['k6'] },
  { name: 'root', fileTimeoutS: 60 },
  { name: 'e2e/generated-clients', fileTimeoutS: 240, openapiPythonClient: true },
  { name: 'e2e/grpc', fileTimeoutS: 300, tools: ['grpcurl'], clients: true, alone: true },
  { name: 'e2e/openapi', fileTimeoutS: 300, schemathesis: true, alone: true },
  { name: 'e2e', fileTimeoutS: 300, browser: true, alone: true },
]

export interface TestFile {
  readonly path: string
  readonly suite: Suite
}

/** Finds the test files of a checkout, in the order of the suites. Files at the top level belong to the suite `root`. */
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

/** An unlisted package comes before those that run alone. */
function position(rank: number): number {
  return rank === -1 ? suites.findIndex((suite) => suite.alone) - 0.5 : rank
}

function suiteOf(path: string): Suite {
  const name = path.includes('/') ? (path.split('/')[0] ?? '') : 'root'
  const inside = suites.find((suite) => path.startsWith(`${suite.name}/`))
  return inside ?? suites.find((suite) => suite.name === name) ?? { name, fileTimeoutS: 120 }
}

/** Selects files by package or by the beginning of their path; all without a selection. */
export function selectTests(files: readonly TestFile[], selection: readonly string[]): TestFile[] {
  if (selection.length === 0) return [...files]
  const plain = selection.map((one) => one.replace(/^\.\//, '').replace(/\/$/, ''))
  return files.filter(({ path, suite }) =>
    plain.some((one) => suite.name === one || path === one || path.startsWith(`${one}/`)),
  )
}
