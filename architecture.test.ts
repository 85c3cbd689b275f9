import { describe, expect, test } from 'bun:test'
import { Glob } from 'bun'

/**
 * The borders of ARCHITECTURE.md, held by reading imports. The isolated linker already prevents the import of an
 * undeclared package; these are the rules inside packages and between them.
 */

const packages = [
  'core',
  'proto',
  'platform',
  'nats',
  'gateway',
  'actors',
  'ui',
  'cli',
  'clients',
  'testkit',
  'e2e',
  'bench',
  'loadtest',
  'deploy',
] as const

interface Import {
  readonly file: string
  readonly target: string
  readonly isTypeOnly: boolean
}

const sources = await readSources()
const imports = sources.flatMap(({ file, text }) => importsOf(file, text))

async function readSources(): Promise<{ file: string; text: string }[]> {
  const found: { file: string; text: string }[] = []
  for (const name of packages) {
    for await (const path of new Glob(`${name}/**/*.{ts,tsx}`).scan({ cwd: import.meta.dir })) {
      if (/node_modules|\/dist\/|\/gen\//.test(path)) continue
      found.push({ file: path, text: await Bun.file(`${import.meta.dir}/${path}`).text() })
    }
  }
  return found
}

function importsOf(file: string, text: string): Import[] {
  const pattern =
    /^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm
  return [...text.matchAll(pattern)].map((m) => ({
    file,
    target: m[2] ?? m[3] ?? '',
    isTypeOnly: m[1] !== undefined,
  }))
}

const isTest = (file: string) => /\.test\.tsx?$/.test(file)

/** Files under `from` (tests apart) whose run-time imports match `forbidden`. */
function findViolations(from: RegExp, forbidden: RegExp, { typesToo = false } = {}): string[] {
  return imports
    .filter(
      (i) => from.test(i.file) && !isTest(i.file) && (typesToo || !i.isTypeOnly) && forbidden.test(i.target),
    )
    .map((i) => `${i.file} imports ${i.target}`)
}

describe('borders', () => {
  test('there are sources to look at', () => {
    expect(sources.length).toBeGreaterThan(20)
    expect(imports.length).toBeGreaterThan(50)
  })

  test('core depends on zod alone', () => {
    expect(findViolations(/^core\/(?!.*\/testing\/)/, /^(?!\.|zod$)/)).toEqual([])
  })

  test('core knows no runtime: it is safe in a browser', () => {
    const found = sources
      .filter(({ file }) => file.startsWith('core/') && !isTest(file))
      .filter(({ text }) => /\b(Bun|process|Buffer)\.|\bnode:/.test(text))
    expect(found.map((f) => f.file)).toEqual([])
  })

  test('use-cases know neither HTTP nor gRPC nor NATS', () => {
    expect(
      findViolations(
        /^gateway\/(?:images|tasks|process|tuning|operators|idempotency|consistency|limits)\//,
        /elysia|grpc|@nats-io|@pixelflow\/nats|transports\//,
        {
          typesToo: true,
        },
      ),
    ).toEqual([])
  })

  test('transports call use-cases, never the broker', () => {
    expect(findViolations(/^gateway\/transports\//, /@nats-io|@pixelflow\/nats/)).toEqual([])
  })

  test('the runtime and the kinds of actor never meet the broker', () => {
    expect(findViolations(/^actors\/(runtime|kinds|sandbox)\//, /@nats-io|@pixelflow\/nats/)).toEqual([])
  })

  test('the runtime knows no pixels', () => {
    expect(findViolations(/^actors\/runtime\//, /sharp|kinds\//)).toEqual([])
  })

  test('what is shipped to a server does not need the command line', () => {
    expect(
      findViolations(/^(?:core|platform|nats|gateway|actors)\/(?!testing\/)/, /@pixelflow\/cli/),
    ).toEqual([])
  })

  test('only the nats package speaks NATS', () => {
    expect(findViolations(/^(?!nats\/|testkit\/|bench\/)/, /@nats-io/)).toEqual([])
  })

  test('the page calls the gateway like any other client', () => {
    expect(findViolations(/^ui\//, /@pixelflow\/(?!core|client$)/)).toEqual([])
  })

  test('the client knows the contract and nothing behind it', () => {
    expect(findViolations(/^clients\/(?!typescript\/testing\/)/, /@pixelflow\/(?!core|proto)/)).toEqual([])
  })

  test('the client over HTTP is fit for a browser: no gRPC, no schemas, no runtime', () => {
    const shared = /^clients\/typescript\/(?!grpc\/|testing\/|build\.ts)/
    expect(findViolations(shared, /^node:|grpc|@pixelflow\/proto|@bufbuild/)).toEqual([])
    expect(
      findViolations(
        shared,
        /@pixelflow\/core\/(?!backoff|fault|notifier|pause|position|retry|status|tune\/tune-protocol)/,
      ),
    ).toEqual([])
    const found = sources
      .filter(({ file }) => shared.test(file) && !isTest(file))
      .filter(({ text }) => /\b(Bun|process|Buffer)\.(?!ts)|\bnode:/.test(text))
    expect(found.map((f) => f.file)).toEqual([])
  })

  // Handing the whole of it on to a child process is another matter.
  test('the environment is read by main and config files only', () => {
    const found = sources.filter(
      ({ file, text }) =>
        !isTest(file) &&
        !/^(e2e|bench|testkit|deploy)\//.test(file) &&
        !/(^|\/)(main|config)\.ts$/.test(file) &&
        /(?<!['"`\w])(process|Bun)\.env[.[]/.test(text),
    )
    expect(found.map((f) => f.file)).toEqual([])
  })
})

describe('habits', () => {
  test('workarounds of the gRPC port name a test that exists and tells when they can be removed', () => {
    const folder = 'gateway/transports/grpc/native/'
    const tests = sources.filter(({ file }) => isTest(file)).map(({ file }) => file)
    const wrong = sources
      .filter(
        ({ file, text }) => file.startsWith(folder) && !isTest(file) && /workaround|upstream/i.test(text),
      )
      .filter(({ text }) => {
        const named = [...text.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, name]) => name)
        const exists = (name = '') =>
          tests.some((file) => file.startsWith('gateway/') && file.endsWith(`/${name}`))
        return named.length === 0 || !named.every(exists)
      })
    expect(wrong.map(({ file }) => file)).toEqual([])
  })

  test('no folder is called utils, common or helpers', () => {
    expect(
      sources.filter(({ file }) => /\/(utils|common|helpers|misc)\//.test(file)).map((s) => s.file),
    ).toEqual([])
  })

  test('no file is longer than 300 lines', () => {
    const long = sources.filter(({ text }) => text.split('\n').length > 301)
    expect(long.map((s) => s.file)).toEqual([])
  })

  test('no test is skipped, focused or left for later', () => {
    const later = new RegExp(
      String.raw`\b(test|it|describe)\.(skip|only|to` + String.raw`do)\b|\bTO` + String.raw`DO\b|FIX` + 'ME',
    )
    expect(sources.filter(({ text }) => later.test(text)).map((s) => s.file)).toEqual([])
  })
})
