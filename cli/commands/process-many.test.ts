import { beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { launch } from '@pixelflow/testkit/process'
import { parseNdjson, useCliFixture, pixelflow } from '../testing/cli-fixture.ts'

const shell = useCliFixture()
const { run } = shell
beforeAll(async () => {
  for (let i = 1; i <= 6; i += 1) {
    await Bun.write(
      join(shell.home, `many/picture-${i}.jpg`),
      await sampleImage({ width: 100 + i, height: 80 }),
    )
  }
}, 30_000)

const paths = Array.from({ length: 6 }, (_, i) => `many/picture-${i + 1}.jpg`)

describe('process with several files', () => {
  test('writes a result for each file and reports their number', async () => {
    const { code, out, err } = await run(['process', ...paths, '-r', 'resize:50/format:webp', '-o', 'small/'])
    expect([code, err]).toEqual([0, expect.stringContaining('picture-3.jpg')])
    expect((await readdir(join(shell.home, 'small'))).sort()).toEqual(
      paths.map((_, i) => `picture-${i + 1}.webp`),
    )
    expect(out.match(/^✓ small\/picture-\d\.webp {2}webp 50×/gm)).toHaveLength(6)
    expect(out).toMatch(/6 of 6 files processed in /)
  })

  test('continues after a file that fails, reports it, and exits with 1', async () => {
    const broken = (await Bun.file(join(shell.home, 'photo.jpg')).bytes()).slice(0, 600)
    await Bun.write(join(shell.home, 'many/broken.jpg'), broken)
    await Bun.write(join(shell.home, 'many/empty.jpg'), '')
    const files = [paths[0] as string, 'many/broken.jpg', 'many/empty.jpg', 'nowhere.jpg', paths[1] as string]
    const { code, out } = await run(['process', ...files, '-r', 'flip', '-o', 'flipped/', '--json'])
    expect(code).toBe(1)
    const lines = parseNdjson(out)
    expect(lines.filter((line) => 'files' in line && 'task' in line)).toHaveLength(2)
    expect(lines.find((line) => line['file'] === 'broken.jpg' && 'error' in line)).toMatchObject({
      error: { code: 1, message: expect.stringContaining('failed') },
    })
    expect(lines.find((line) => 'completed' in line)).toEqual({ files: 5, completed: 2, failed: 3 })
    expect((await readdir(join(shell.home, 'flipped'))).sort()).toEqual(['picture-1.jpg', 'picture-2.jpg'])
    for (const name of ['many/empty.jpg', 'nowhere.jpg'])
      expect(lines.find((line) => line['file'] === name)).toMatchObject({ error: { reason: 'usage' } })
    await rm(join(shell.home, 'many/broken.jpg'))
    await rm(join(shell.home, 'many/empty.jpg'))
  })

  test.each([
    ['one file for all', ['-o', 'one.webp'], 'would have the same path'],
    ['standard output', ['-o', '-'], 'cannot go to standard output'],
    ['results in place of their sources', ['-o', 'many/'], 'is the source itself'],
    ['a file given twice', [paths[0] as string, '-o', 'x/'], 'is repeated'],
    ['tuning', ['-o', 'x/', '--tune', 'blur:2'], '--tune accepts only one file'],
  ])('refuses %s before the first call', async (_, options, message) => {
    const { code, err } = await run(['process', ...paths.slice(0, 2), '-r', 'flip', ...options], {
      env: { PIXELFLOW_URL: 'http://127.0.0.1:1' },
    })
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  test('takes the format from the extension of a pattern', async () => {
    expect(
      (await run(['process', ...paths.slice(0, 2), '-r', 'resize:50', '-o', 'w/{stem}.webp'])).code,
    ).toBe(0)
    expect(await shell.typeOf('w/picture-2.webp')).toBe('webp')
  })

  test('reports that no file was processed when all failed', async () => {
    const { code, err } = await run(['process', 'no1.jpg', 'no2.jpg', '-r', 'flip', '-o', 'x/'])
    expect([code, err]).toEqual([1, expect.stringContaining('No file was processed.')])
  })

  test('refuses results that would overwrite each other', async () => {
    await mkdir(join(shell.home, 'other'), { recursive: true })
    await Bun.write(join(shell.home, 'other/picture-1.jpg'), Bun.file(join(shell.home, paths[0] as string)))
    const { code, err } = await run(['process', paths[0] as string, 'other/picture-1.jpg', '-o', 'x/'])
    expect([code, err]).toEqual([2, expect.stringContaining('{stem}')])
  })

  test('Ctrl-C cancels the tasks in progress and starts no more', async () => {
    const large = await sampleImage({ width: 3000, height: 2000 })
    for (let i = 1; i <= 6; i += 1) await Bun.write(join(shell.home, `large/${i}.jpg`), large)
    const slow = 'blur:60/resize:3000/format:avif:effort=8'
    await using running = launch({
      command: [
        pixelflow,
        'process',
        ...[1, 2, 3, 4, 5, 6].map((i) => `large/${i}.jpg`),
        '-r',
        slow,
        '-o',
        'slow/',
        '--json',
      ],
      cwd: shell.home,
      env: { PIXELFLOW_URL: shell.url },
    })
    await running.line((line) => line.includes('"kind":"started"'))
    running.signal('SIGINT')
    expect(await running.exited).toBe(130)
    for (const status of ['queued', 'running']) {
      const { out } = await run(['tasks', 'list', '--status', status, '--json'])
      expect(parseNdjson(out)[0]).toMatchObject({ items: [] })
    }
    expect(await readdir(join(shell.home, 'slow'))).toEqual([])
    expect(running.lines.join('\n')).toMatch(/error: \d\.jpg: Interrupted; task/)
  }, 60_000)
})

test('a folder that is not writable is an error before the upload', async () => {
  for (const output of ['photo.jpg/x/', '/proc/none.jpg', '/proc/none/']) {
    const { code, err } = await run(['process', 'photo.jpg', '-r', 'flip', '-o', output], {
      env: { PIXELFLOW_URL: 'http://127.0.0.1:1' },
    })
    expect([code, err]).toEqual([2, expect.stringContaining('is not writable')])
  }
})

test('the time of a result is not before the times of its events', async () => {
  const { out, err } = await run(['process', 'photo.jpg', '-r', 'resize:50', '-o', 'time.jpg'])
  const ms = (text: string) => {
    const [, value = '', unit = ''] = /([\d.]+) (ms|s)$/.exec(text) ?? []
    return Number(value) * (unit === 's' ? 1000 : 1)
  }
  const completed = err.trimEnd().split('\n').at(-1) ?? ''
  expect(completed).toContain('completed')
  // Both are rounded: to a millisecond, or to a tenth of a second.
  expect(ms(out.trimEnd())).toBeGreaterThanOrEqual(ms(completed) - 50)
})

test('a closed standard output is not an error, but a full one is', async () => {
  const typed = (command: string) =>
    Bun.spawnSync(['sh', '-c', command, pixelflow], {
      cwd: shell.home,
      env: { ...process.env, PIXELFLOW_URL: shell.url },
    })
  await Bun.write(
    join(shell.home, 'noise.png'),
    await sampleImage({ width: 1500, height: 1000, noise: 60, format: 'png' }),
  )
  const enough = typed(`"$0" process noise.png -r flip -o - | head -c 10 | wc -c`)
  expect(enough.stdout.toString().trim()).toBe('10')
  expect(enough.stderr.toString()).not.toContain('error')
  const full = typed(`"$0" process noise.png -r flip -o - >/dev/full`)
  expect([full.exitCode, full.stderr.toString()]).toEqual([1, expect.stringContaining('ENOSPC')])
  expect(full.stderr.toString()).not.toContain('bug in PixelFlow')
})

test('Ctrl-C ends an upload that waits for standard input', async () => {
  const arrived = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  // A server of the test, which learns when the upload has begun.
  using slowServer = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: () => arrived.resolve(), close: () => gone.resolve() },
  })
  const child = Bun.spawn([pixelflow, 'upload', '-'], {
    cwd: shell.home,
    env: { ...process.env, PIXELFLOW_URL: `http://127.0.0.1:${slowServer.port}` },
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  await child.stdin.write(await Bun.file(join(shell.home, 'photo.jpg')).bytes())
  await child.stdin.flush()
  await arrived.promise
  child.kill('SIGINT')
  const [code, err] = await Promise.all([child.exited, child.stderr.text()])
  expect([code, err]).toEqual([130, expect.stringContaining('Interrupted while sending stdin')])
  await gone.promise
}, 30_000)
