import { describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { parseNdjson, useCliFixture, pixelflow } from '../testing/cli-fixture.ts'

// A user may pause for longer than a session lasts.
const shell = useCliFixture({ PIXELFLOW_TUNE_IDLE_TIMEOUT: '1s' })
const { run } = shell

const recipeIn = (out: string) =>
  (parseNdjson(out).at(-1)?.['task'] as { recipe: { steps: object[] } }).recipe

describe('--steps', () => {
  test('are added after the steps of the recipe', async () => {
    const short = await run(['process', 'photo.jpg', '--steps=blur:2,grayscale', '-o', 'f.png', '--json'])
    expect([short.code, short.err]).toEqual([0, ''])
    expect(recipeIn(short.out).steps.map((step) => (step as { op: string }).op)).toEqual([
      'blur',
      'grayscale',
      'format',
    ])
    const both = await run([
      'process',
      'photo.jpg',
      '-r',
      'resize:50',
      '--steps=flip',
      '-o',
      'g.webp',
      '--json',
    ])
    expect(recipeIn(both.out)).toMatchObject({ steps: [{ op: 'resize' }, { op: 'flip' }, { type: 'webp' }] })
  })

  test('with unknown operations are refused', async () => {
    const { code, err } = await run(['process', 'photo.jpg', '--steps=blur:2,blurr', '-o', 'f.png'])
    expect([code, err]).toEqual([2, expect.stringContaining('--steps steps[1]')])
  })

  test('also accept the earlier name --filters, but not both', async () => {
    const earlier = await run(['process', 'photo.jpg', '--filters=blur:2,blurr', '-o', 'f.png'])
    expect([earlier.code, earlier.err]).toEqual([2, expect.stringContaining('--steps steps[1]')])
    const both = await run(['process', 'photo.jpg', '--filters=flip', '--steps=flip', '-o', 'f.png'])
    expect([both.code, both.err]).toEqual([2, expect.stringContaining('--filters')])
  })
})

describe('--tune', () => {
  test.each([
    ['http', () => []],
    ['grpc', () => ['--grpc', shell.grpc]],
  ])(
    'writes a preview of every change and applies all of them, over %s',
    async (name, over) => {
      const typed = [
        'process',
        'photo.jpg',
        '-r',
        'resize:400',
        '--tune',
        'blur:3,resize:120,blur:1',
        ...over(),
      ]
      const { code, out, err } = await run([
        ...typed,
        '--preview',
        `${name}.preview.webp`,
        '-o',
        `${name}.png`,
        '--json',
      ])
      expect([code, err]).toEqual([0, ''])
      const previews = parseNdjson(out).filter((line) => line['type'] === 'preview')
      expect(previews.map(({ change, sequence, result }) => [change, sequence, result])).toEqual([
        ['no change', 0, { width: 400, height: 267 }],
        ['blur:3', 1, { width: 400, height: 267 }],
        ['resize:120', 2, { width: 120, height: 80 }],
        ['blur:1', 3, { width: 120, height: 80 }],
      ])
      expect(recipeIn(out).steps).toMatchObject([
        { op: 'resize', width: 120 },
        { op: 'blur', sigma: 1 },
        { type: 'png' },
      ])
      expect(parseNdjson(out).map((line) => line['kind'])).toContain('completed')
      expect(await shell.typeOf(`${name}.preview.webp`)).toBe('webp')
      expect(await shell.typeOf(`${name}.png`)).toBe('png')
      expect((await readdir(shell.home)).filter((file) => file.endsWith('.part'))).toEqual([])
    },
    60_000,
  )

  test('takes changes from standard input, and ignores invalid ones', async () => {
    const child = Bun.spawn(
      [pixelflow, 'process', 'photo.jpg', '--tune', '-', '--preview', 'typed.jpg', '-o', 'typed.webp'],
      {
        cwd: shell.home,
        env: { ...process.env, PIXELFLOW_URL: shell.url },
        stdin: 'pipe',
        stdout: 'ignore',
        stderr: 'pipe',
      },
    )
    let errors = ''
    const listening = (async () => {
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) errors += text
    })()
    const waitForOutput = (text: string) =>
      waitFor(
        `output ${text}`,
        () => errors,
        (output) => output.includes(text),
      )
    const type = async (text: string, expectedOutput: string) => {
      await child.stdin.write(`${text}\n`)
      await child.stdin.flush()
      await waitForOutput(expectedOutput)
    }
    await waitForOutput('no change: ')
    await type('resize:90', 'resize:90: ')
    const first = await Bun.file(join(shell.home, 'typed.jpg')).bytes()
    await type('blurr', 'blurr')
    // Each pause is longer than a session lasts; the time itself ends the session.
    await Bun.sleep(1500)
    await type('grayscale, blur:4', 'grayscale, blur:4: ')
    await Bun.sleep(1500)
    expect(await Bun.file(join(shell.home, 'typed.jpg')).bytes()).not.toEqual(first)
    await child.stdin.end()
    expect(await child.exited).toBe(0)
    await listening
    expect(await shell.typeOf('typed.webp')).toBe('webp')
  }, 60_000)

  test.each([
    [['--tune', 'blurr:2'], '--tune'],
    [['--tune', 'blur:2', '--preview', 'p.gif'], '--preview'],
  ])('%p is refused before the first call', async (more, field) => {
    const env = { PIXELFLOW_URL: 'http://127.0.0.1:1' }
    const { code, err } = await run(['process', 'photo.jpg', ...more, '-o', 'x.png'], { env })
    expect([code, err]).toEqual([2, expect.stringContaining(`field    ${field}`)])
  })
})
