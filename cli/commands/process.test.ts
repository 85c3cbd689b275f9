import { describe, expect, test } from 'bun:test'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sniffFormat } from '@pixelflow/core/format'
import { sampleImage } from '@pixelflow/testkit/images'
import { launch } from '@pixelflow/testkit/process'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import { parseNdjson, useCliFixture, pixelflow } from '../testing/cli-fixture.ts'

const shell = useCliFixture()
const { run, typeOf } = shell

describe('process', () => {
  test('writes the result and reports it', async () => {
    const { code, out, err } = await run([
      'process',
      'photo.jpg',
      '-r',
      'resize:300/blur:2/format:webp',
      '-o',
      'out.webp',
    ])
    expect([code, err.split('\n').at(-2)]).toEqual([0, expect.stringContaining('completed')])
    expect(out).toMatch(/^✓ out\.webp {2}webp 300×200 {2}[\d.]+ k?B \(−\d+ %\)/)
    expect(await typeOf('out.webp')).toBe('webp')
    for (const stage of ['queued', 'started', 'fetched', 'decoded', 'output default', 'completed']) {
      expect(err).toContain(stage)
    }
  })

  test('takes the format from the name of the result', async () => {
    expect((await run(['process', 'photo.jpg', '-r', 'resize:200', '-o', 'small.png'])).code).toBe(0)
    expect(await typeOf('small.png')).toBe('png')
    expect((await run(['process', 'photo.jpg', '-o', 'plain.webp'])).code).toBe(0)
    expect(await typeOf('plain.webp')).toBe('webp')
    for (const recipe of [[], ['-r', 'resize:200']]) {
      expect((await run(['process', 'photo.jpg', ...recipe, '-o', 's1/{stem}.webp'])).code).toBe(0)
      expect(await typeOf('s1/photo.webp')).toBe('webp')
    }
  })

  test.each([
    ['its own result', ['photo.jpg', '-r', 'flip', '-o', '.'], 'photo.jpg is the source itself'],
    [
      'a preview without tuning',
      ['photo.jpg', '-r', 'flip', '--preview', 'p.webp'],
      '--preview has no effect',
    ],
    [
      'a preview in a missing folder',
      ['photo.jpg', '--tune', 'flip', '--preview', 'no/p.webp'],
      'does not exist',
    ],
    ['an unknown extension', ['photo.jpg', '-r', 'flip', '-o', 'out.xyz'], 'cannot be written as .xyz'],
    [
      'an extension of no result format',
      ['photo.jpg', '-r', 'flip', '-o', 'out.gif'],
      'cannot be written as .gif',
    ],
    ['no recipe and no output', ['photo.jpg'], 'No recipe and no output.'],
    ['an empty recipe without an output', ['photo.jpg', '-r', ' '], 'No recipe and no output.'],
    ['an option given twice', ['photo.jpg', '-r', 'flip', '-r', 'blur:2'], '--recipe is repeated'],
    ['an unknown placeholder', ['photo.jpg', '-o', '{stm}.webp'], 'Unknown placeholder {stm}'],
  ])('refuses %s before the first call', async (_, args, message) => {
    const { code, err } = await run(['process', ...args], { env: { PIXELFLOW_URL: 'http://127.0.0.1:1' } })
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
    expect(err).toContain('remedy')
  })

  test('uses the given lane', async () => {
    const bulk = ['process', 'photo.jpg', '-o', 'bulk.webp', '--lane', 'bulk']
    const { code, out } = await run([...bulk, '--json'])
    expect(code).toBe(0)
    expect(parseNdjson(out).at(-1)).toMatchObject({ task: { status: 'completed', lane: 'bulk' } })
    expect((await run([...bulk.slice(0, -1), 'fast'])).code).toBe(2)
    expect((await run([...bulk, '--tune', 'blur:3'])).code).toBe(2)
  })

  test('with --json, writes one event per line, and the result last', async () => {
    const { code, out } = await run(['process', 'photo.jpg', '-r', 'resize:50', '-o', 'j.jpg', '--json'])
    expect(code).toBe(0)
    const lines = parseNdjson(out)
    expect(lines.slice(0, -1).map((line) => line['kind'])).toEqual(completedEventKinds)
    expect(lines.at(-1)).toMatchObject({
      task: { status: 'completed', progress: 100 },
      files: [{ name: 'default', path: join(shell.home, 'j.jpg') }],
    })
  })

  test('reads standard input and writes standard output', async () => {
    const stdin = await Bun.file(join(shell.home, 'photo.jpg')).bytes()
    const { code, bytes } = await run(['process', '-', '-r', 'resize:64/format:png', '-o', '-'], { stdin })
    expect([code, sniffFormat(bytes)]).toEqual([0, 'png'])
  })

  test('several outputs go to a folder or a pattern', async () => {
    const recipe = {
      steps: [{ op: 'resize', width: 200 }],
      outputs: {
        big: { steps: [] },
        thumb: {
          steps: [
            { op: 'resize', width: 40 },
            { op: 'format', type: 'webp' },
          ],
        },
      },
    }
    await Bun.write(join(shell.home, 'two.json'), JSON.stringify(recipe))
    expect((await run(['process', 'photo.jpg', '-r', '@two.json', '-o', 'folder/'])).code).toBe(0)
    expect((await readdir(join(shell.home, 'folder'))).sort()).toEqual(['photo.big.jpg', 'photo.thumb.webp'])
    expect((await run(['process', 'photo.jpg', '-r', '@two.json', '-o', 'p/{name}-{stem}.{ext}'])).code).toBe(
      0,
    )
    expect((await readdir(join(shell.home, 'p'))).sort()).toEqual(['big-photo.jpg', 'thumb-photo.webp'])
    expect((await run(['process', 'photo.jpg', '-r', '@two.json', '-o', 'one.jpg'])).code).toBe(2)
  })

  test('does not overwrite its source and leaves no partial file', async () => {
    const before = await stat(join(shell.home, 'photo.jpg'))
    const { code, err } = await run(['process', 'photo.jpg', '-r', 'resize:10', '-o', 'photo.jpg'])
    expect([code, err]).toEqual([2, expect.stringContaining('--force')])
    expect((await stat(join(shell.home, 'photo.jpg'))).mtimeMs).toBe(before.mtimeMs)
    await Bun.write(join(shell.home, 'own.jpg'), Bun.file(join(shell.home, 'photo.jpg')))
    expect((await run(['process', 'own.jpg', '-r', 'resize:10', '-o', 'own.jpg', '--force'])).code).toBe(0)
    expect((await readdir(shell.home)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('an invalid recipe is refused before the first call', async () => {
    const { code, err } = await run(['process', 'photo.jpg', '-r', 'resize:100/blurr:2', '-o', 'x.jpg'], {
      env: { PIXELFLOW_URL: 'http://127.0.0.1:1' },
    })
    expect([code, err]).toEqual([2, expect.stringContaining('steps[1]')])
  })

  test('an image that cannot be decoded fails with the reason', async () => {
    await Bun.write(
      join(shell.home, 'broken.jpg'),
      (await Bun.file(join(shell.home, 'photo.jpg')).bytes()).slice(0, 600),
    )
    const { code, err } = await run(['process', 'broken.jpg', '-r', 'resize:100', '-o', 'broken.out.jpg'])
    expect(code).toBe(1)
    expect(err).toMatch(/error: Task \S+ failed: /)
    expect(await Bun.file(join(shell.home, 'broken.out.jpg')).exists()).toBe(false)
  })

  test('the server refuses a file of another type, with a request id', async () => {
    const { code, err } = await run(['process', '-', '-r', 'resize:100', '-o', 'notes.jpg'], {
      stdin: new TextEncoder().encode('not an image'),
    })
    expect(code).toBe(2)
    expect(err).toMatch(/request {2}\S+/)
  })

  test('Ctrl-C cancels the task', async () => {
    await Bun.write(
      join(shell.home, 'large.png'),
      await sampleImage({ width: 4000, height: 3000, format: 'png' }),
    )
    await using running = launch({
      command: [
        pixelflow,
        'process',
        'large.png',
        '-r',
        'blur:60/resize:3000/format:avif:effort=8',
        '-o',
        'large.avif',
        '--json',
      ],
      cwd: shell.home,
      env: { PIXELFLOW_URL: shell.url },
    })
    const started = JSON.parse(await running.line((line) => line.includes('"kind":"started"'))) as {
      task: { id: string }
    }
    running.signal('SIGINT')
    expect(await running.exited).toBe(130)
    const { out } = await run(['tasks', 'get', started.task.id, '--json'])
    expect(parseNdjson(out)[0]).toMatchObject({ status: 'cancelled' })
  }, 60_000)
})
