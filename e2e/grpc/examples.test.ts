import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { says } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import sharp from 'sharp'
import { openPython, output } from './programs.ts'
import { goExample } from './workshop.ts'

const scope = new AsyncDisposableStack()
let folder: string
let tune: (name: string, lines: string) => ReturnType<typeof output>
/** The example in each language, as its page shows it. */
let examples: Record<'Python' | 'Go', (recipe: string, name: string) => ReturnType<typeof output>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixelflow-examples-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const photo = join(folder, 'photo.jpg')
  await Bun.write(photo, await sampleImage({ width: 640, height: 480 }))
  const { interpreter, cwd, env } = await openPython(scope)
  const go = await goExample()
  const stack = scope.use(await startStack())
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { grpc } = JSON.parse(await gateway.line(says('ready'))) as { grpc: string }
  const target = `dns:///${grpc}`
  tune = (name, lines) => {
    const flags = ['-o', name, '--target', target]
    return output([interpreter, 'example_tune.py', photo, 'resize:200/blur:2', ...flags], cwd, env, lines)
  }
  examples = {
    Python: (recipe, name) =>
      output([interpreter, 'example.py', photo, recipe, '-o', name, '--target', target], cwd, env),
    Go: (recipe, name) => output([go, '-target', target, photo, recipe, name], folder),
  }
}, 300_000)
afterAll(() => scope.disposeAsync())

describe.each(['Python', 'Go'] as const)('the example in %s', (language) => {
  test('uploads, shows every stage, and stores the result', async () => {
    const name = join(folder, language)
    const { code, out, errors } = await examples[language]('resize:200/format:webp', name)
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    const stages = [...out.matchAll(/^ *[\d.]+ % {2}(\w+)/gm)].map(([, stage]) => stage)
    expect(stages).toEqual(['queued', 'started', 'fetched', 'decoded', 'output', 'completed'])
    expect(await sharp(`${name}-default.webp`).metadata()).toMatchObject({ format: 'webp', width: 200 })
  }, 60_000)

  test('says what is wrong with a recipe, and what to do about it', async () => {
    const { code, errors } = await examples[language]('blur:9999', join(folder, 'none'))
    expect(code).toBe(1)
    expect(errors).toContain('field: steps[0].sigma')
    expect(errors).toContain('Set sigma to a number from 0.3 to 250.')
  }, 60_000)
})

test('the example that tunes shows each change, says what cannot be, and makes the picture at last', async () => {
  const name = join(folder, 'tuned.jpg')
  const lines = 'steps[0].width=90\nsteps[1].sigma=-3\n'
  const { code, out } = await tune(name, lines)
  expect(code).toBe(0)
  expect(out).toContain('Set sigma to a number from 0.3 to 250.')
  expect(await sharp(name).metadata()).toMatchObject({ format: 'jpeg', width: 90 })
  expect(await sharp(join(folder, 'tuned-default.jpeg')).metadata()).toMatchObject({ width: 90, height: 68 })
}, 60_000)
