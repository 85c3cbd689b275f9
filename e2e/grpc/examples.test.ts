import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import sharp from 'sharp'
import { clientPrograms } from './client-programs.ts'
import { runProgram, type ProgramResult } from './run-program.ts'
import { openPython } from './scenario-runner.ts'

const scope = new AsyncDisposableStack()
let folder: string
let tune: (name: string, lines: string) => Promise<ProgramResult>
/** Runs the example in a language with the arguments that its documentation shows. */
let examples: Record<'Python' | 'Go', (recipe: string, name: string) => Promise<ProgramResult>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixelflow-examples-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const photo = join(folder, 'photo.jpg')
  await Bun.write(photo, await sampleImage({ width: 640, height: 480 }))
  const { interpreter, cwd, env } = await openPython(scope)
  const go = await clientPrograms.goExample()
  const stack = scope.use(await startStack())
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  const target = `dns:///${grpc}`
  tune = (name, lines) => {
    const flags = ['-o', name, '--target', target]
    return runProgram([interpreter, 'example_tune.py', photo, 'resize:200/blur:2', ...flags], {
      cwd,
      env,
      input: lines,
    })
  }
  examples = {
    Python: (recipe, name) =>
      runProgram([interpreter, 'example.py', photo, recipe, '-o', name, '--target', target], { cwd, env }),
    Go: (recipe, name) => runProgram([go, '-target', target, photo, recipe, name], { cwd: folder }),
  }
}, 300_000)
afterAll(() => scope.disposeAsync())

describe.each(['Python', 'Go'] as const)('the example in %s', (language) => {
  test('uploads, shows every stage, and stores the result', async () => {
    const name = join(folder, language)
    const { code, out, errors } = await examples[language]('resize:200/format:webp', name)
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    const stages = [...out.matchAll(/^ *[\d.]+ % {2}(\w+)/gm)].map(([, stage]) => stage)
    expect(stages).toEqual(completedEventKinds)
    expect(await sharp(`${name}-default.webp`).metadata()).toMatchObject({ format: 'webp', width: 200 })
  }, 60_000)

  test('reports the invalid field of a recipe, and what to do', async () => {
    const { code, errors } = await examples[language]('blur:9999', join(folder, 'none'))
    expect(code).toBe(1)
    expect(errors).toContain('field: steps[0].sigma')
    expect(errors).toContain('Set sigma to a number from 0.3 to 250.')
  }, 60_000)
})

test('the tuning example shows each preview, reports invalid changes, and stores the result', async () => {
  const name = join(folder, 'tuned.jpg')
  const lines = 'steps[0].width=90\nsteps[1].sigma=-3\n'
  const { code, out } = await tune(name, lines)
  expect(code).toBe(0)
  expect(out).toContain('Set sigma to a number from 0.3 to 250.')
  expect(await sharp(name).metadata()).toMatchObject({ format: 'jpeg', width: 90 })
  expect(await sharp(join(folder, 'tuned-default.jpeg')).metadata()).toMatchObject({ width: 90, height: 68 })
}, 60_000)
