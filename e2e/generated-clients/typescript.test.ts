import { expect, test } from 'bun:test'
import { cp, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { runProgram } from '../grpc/run-program.ts'
import { openGeneratorFixture, type GeneratorFixture } from './open-generator-fixture.ts'

/** Types that openapi-typescript generates from the served OpenAPI document, used with openapi-fetch. */

const root = resolve(import.meta.dir, '../..')
const succeeded = { code: 0, errors: '' }
let fixture: GeneratorFixture

useFixture(openGeneratorFixture, async (opened) => {
  fixture = opened
  await cp(join(import.meta.dir, 'typescript'), fixture.folder, { recursive: true })
  await symlink(join(import.meta.dir, '../node_modules'), join(fixture.folder, 'node_modules'))
})

const run = (...command: string[]) => runProgram([process.execPath, ...command], { cwd: fixture.folder })

test('are generated', async () => {
  const generator = Bun.fileURLToPath(import.meta.resolve('openapi-typescript/bin/cli.js'))
  expect(await run('--bun', generator, fixture.document, '--output', 'schema.d.ts')).toMatchObject({
    code: 0,
  })
}, 60_000)

test('are right: the compiler accepts and rejects what it should', async () => {
  const compilerOptions = {
    module: 'Preserve',
    target: 'ESNext',
    lib: ['ESNext'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    typeRoots: [join(root, 'node_modules/@types')],
    types: ['bun'],
  }
  await Bun.write(
    join(fixture.folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['bodies.ts', 'program.ts'] }),
  )
  const { out, ...rest } = await run('--bun', join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')
  expect({ out, ...rest }).toEqual({ ...succeeded, out: '' })
}, 60_000)

test('describe real calls: upload, process, watch, list, download, and a problem', async () => {
  const { out, ...rest } = await run('--no-install', 'program.ts', fixture.url, fixture.image)
  expect(rest).toEqual(succeeded)
  expect(JSON.parse(out)).toEqual({
    image: ['jpeg', 160, 120],
    lanes: ['interactive', 'bulk'],
    kinds: completedEventKinds,
    last: ['completed', 'completed'],
    fit: 'inside',
    listed: true,
    isComplete: true,
    processedType: 'image/webp',
    problem: [400, 'invalid_recipe', 'steps[1].sigma'],
  })
}, 60_000)
