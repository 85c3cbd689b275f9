import { expect, test } from 'bun:test'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '@pixelflow/cli/config'
import { prepareOpenapiPythonClient } from '@pixelflow/cli/tools/openapi-python-client'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { runProgram } from '../grpc/run-program.ts'
import { openGeneratorFixture, type GeneratorFixture } from './open-generator-fixture.ts'

/** A client that openapi-python-client generates from the served OpenAPI document. */

const sources = join(import.meta.dir, 'python')
const succeeded = { code: 0, errors: '' }
let fixture: GeneratorFixture
let python: string

useFixture(openGeneratorFixture, async (opened) => {
  fixture = opened
  const { root, cacheDir, env } = readConfig(process.env)
  python = await prepareOpenapiPythonClient({
    root,
    cacheDir,
    path: env['PATH'],
    say: (text) => void process.stderr.write(`${text}\n`),
    mayInstall: process.getuid?.() === 0,
  })
  await cp(sources, fixture.folder, { recursive: true })
})

const run = (...command: string[]) => runProgram([python, ...command], { cwd: fixture.folder })

test('is generated without a warning', async () => {
  const options = ['--meta', 'none', '--output-path', 'pixelflow_api', '--config', 'config.json']
  const generate = ['generate', '--path', fixture.document, ...options, '--fail-on-warning']
  const { code, out, errors } = await run('-m', 'openapi_python_client', ...generate)
  expect({ code, out: out.trim(), errors }).toEqual({ ...succeeded, out: 'Generating pixelflow_api' })
}, 60_000)

test('compiles, and a program that uses it has the right types', async () => {
  expect(await run('-m', 'compileall', '-q', 'pixelflow_api')).toMatchObject(succeeded)
  const { out, ...rest } = await run('-m', 'mypy', '--strict', '--config-file', 'mypy.ini', 'program.py')
  expect({ ...rest, out }).toEqual({ ...succeeded, out: expect.stringMatching(/^Success: no issues found/) })
}, 120_000)

test('rejects a wrong lane, and a task without a recipe', async () => {
  const imports = 'from pixelflow_api.models import CreateTask, Lane\n'
  await Bun.write(
    join(fixture.folder, 'wrong.py'),
    `${imports}CreateTask(image="i", recipe="r", lane="express")\nCreateTask(image="i", lane=Lane.BULK)\n`,
  )
  const { code, out } = await run('-m', 'mypy', '--strict', '--config-file', 'mypy.ini', 'wrong.py')
  expect(code).toBe(1)
  expect(
    [...out.matchAll(/^wrong\.py:(\d+): error:.*\[([\w-]+)\]$/gm)].map(([, line, kind]) => [line, kind]),
  ).toEqual([
    ['2', 'arg-type'],
    ['3', 'call-arg'],
  ])
}, 60_000)

test('uploads, processes and downloads an image, and reads a problem', async () => {
  const { out, ...rest } = await run('program.py', fixture.url, fixture.image)
  expect(rest).toEqual(succeeded)
  expect(JSON.parse(out)).toEqual({
    image: ['jpeg', 160, 120],
    lanes: ['interactive', 'bulk'],
    status: 'completed',
    events: completedEventKinds,
    fit: 'inside',
    listed: true,
    output: ['png', 40, expect.any(Number)],
    isComplete: true,
    processedFormat: 'RIFF',
    problem: [400, 'invalid_recipe', 'steps[1].sigma'],
    isInvalidRecipe: true,
  })
}, 60_000)
