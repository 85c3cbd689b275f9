import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { sniff } from '@pixelflow/core/format'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { launch, says, type Running } from '@pixelflow/testkit/process'

/** The commands as somebody types them, against the stack that `up` runs. */

const root = resolve(import.meta.dir, '..')
const pixelflow = join(root, 'pixelflow')
let home: string
let up: Running
let url: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-cli-'))
  const port = String(await freePort())
  url = `http://127.0.0.1:${port}`
  up = launch({
    command: [pixelflow, 'up'],
    env: { PIXELFLOW_HTTP_PORT: port, PIXELFLOW_DATA_DIR: join(home, 'data') },
  })
  await Bun.write(join(home, 'photo.jpg'), await sampleImage({ width: 900, height: 600 }))
  await up.line((line) => says('ready')(line) && line.includes('"room":"up"'), 60_000)
}, 90_000)
afterAll(async () => {
  await up?.[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
}, 30_000)

interface Options {
  readonly cwd?: string
  readonly env?: Record<string, string>
  readonly stdin?: Uint8Array | 'ignore'
}

async function run(args: readonly string[], { cwd = home, env = {}, stdin = 'ignore' }: Options = {}) {
  const child = Bun.spawn([pixelflow, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PIXELFLOW_URL: url, ...env },
    stdin: stdin === 'ignore' ? 'ignore' : new Blob([stdin.slice()]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, out, err] = await Promise.all([child.exited, child.stdout.bytes(), child.stderr.text()])
  return { code, bytes: out, out: new TextDecoder().decode(out), err }
}

const json = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const typeOf = async (name: string) => sniff(await Bun.file(join(home, name)).bytes())

describe('process', () => {
  test('writes the file that was asked for, and says so', async () => {
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
  })

  test('as JSON: events a line each, the result last', async () => {
    const { code, out } = await run(['process', 'photo.jpg', '-r', 'resize:50', '-o', 'j.jpg', '--json'])
    expect(code).toBe(0)
    const lines = json(out)
    expect(lines.slice(0, -1).map((line) => line['kind'])).toEqual([
      'queued',
      'started',
      'fetched',
      'decoded',
      'output',
      'completed',
    ])
    expect(lines.at(-1)).toMatchObject({
      task: { status: 'completed', progress: 100 },
      files: [{ name: 'default', path: join(home, 'j.jpg') }],
    })
  })

  test('standard input to standard output', async () => {
    const stdin = await Bun.file(join(home, 'photo.jpg')).bytes()
    const { code, bytes } = await run(['process', '-', '-r', 'resize:64/format:png', '-o', '-'], { stdin })
    expect([code, sniff(bytes)]).toEqual([0, 'png'])
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
    await Bun.write(join(home, 'two.json'), JSON.stringify(recipe))
    expect((await run(['process', 'photo.jpg', '-r', '@two.json', '-o', 'folder/'])).code).toBe(0)
    expect((await readdir(join(home, 'folder'))).sort()).toEqual(['photo.big.jpg', 'photo.thumb.webp'])
    expect((await run(['process', 'photo.jpg', '-r', '@two.json', '-o', 'p/{name}-{stem}.{ext}'])).code).toBe(
      0,
    )
    expect((await readdir(join(home, 'p'))).sort()).toEqual(['big-photo.jpg', 'thumb-photo.webp'])
    expect((await run(['process', 'photo.jpg', '-r', '@two.json', '-o', 'one.jpg'])).code).toBe(2)
  })

  test('does not overwrite its source, and leaves nothing half-written', async () => {
    const before = await stat(join(home, 'photo.jpg'))
    const { code, err } = await run(['process', 'photo.jpg', '-r', 'resize:10', '-o', 'photo.jpg'])
    expect([code, err]).toEqual([2, expect.stringContaining('--force')])
    expect((await stat(join(home, 'photo.jpg'))).mtimeMs).toBe(before.mtimeMs)
    await Bun.write(join(home, 'own.jpg'), Bun.file(join(home, 'photo.jpg')))
    expect((await run(['process', 'own.jpg', '-r', 'resize:10', '-o', 'own.jpg', '--force'])).code).toBe(0)
    expect((await readdir(home)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('a recipe that is wrong is refused before anything is sent', async () => {
    const { code, err } = await run(['process', 'photo.jpg', '-r', 'resize:100/blurr:2', '-o', 'x.jpg'], {
      env: { PIXELFLOW_URL: 'http://127.0.0.1:1' },
    })
    expect([code, err]).toEqual([2, expect.stringContaining('steps[1]')])
  })

  test('a picture that cannot be decoded fails with the reason', async () => {
    await Bun.write(join(home, 'broken.jpg'), (await Bun.file(join(home, 'photo.jpg')).bytes()).slice(0, 600))
    const { code, err } = await run(['process', 'broken.jpg', '-r', 'resize:100', '-o', 'broken.out.jpg'])
    expect(code).toBe(1)
    expect(err).toMatch(/error: Task \S+ failed: /)
    expect(await Bun.file(join(home, 'broken.out.jpg')).exists()).toBe(false)
  })

  test('what is no picture is refused by the server, with the id of the request', async () => {
    await Bun.write(join(home, 'notes.txt'), 'not a picture')
    const { code, err } = await run(['process', 'notes.txt', '-r', 'resize:100', '-o', 'notes.jpg'])
    expect(code).toBe(2)
    expect(err).toMatch(/request {2}\S+/)
  })

  test('Ctrl-C cancels the task', async () => {
    await Bun.write(join(home, 'large.png'), await sampleImage({ width: 4000, height: 3000, format: 'png' }))
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
      cwd: home,
      env: { PIXELFLOW_URL: url },
    })
    const started = JSON.parse(await running.line((line) => line.includes('"kind":"started"'))) as {
      task: { id: string }
    }
    running.signal('SIGINT')
    expect(await running.exited).toBe(130)
    const { out } = await run(['tasks', 'get', started.task.id, '--json'])
    expect(json(out)[0]).toMatchObject({ status: 'cancelled' })
  }, 60_000)
})

describe('the steps one by one', () => {
  test('upload, get the image back, list and look at a task, fetch its output, delete it', async () => {
    const uploaded = json((await run(['upload', 'photo.jpg', '--json'])).out)[0] as {
      id: string
      sha256: string
    }
    expect((await run(['get', uploaded.id, '-o', 'back.jpg'])).code).toBe(0)
    expect(await Bun.file(join(home, 'back.jpg')).bytes()).toEqual(
      await Bun.file(join(home, 'photo.jpg')).bytes(),
    )

    const made = json(
      (await run(['process', 'photo.jpg', '-r', 'resize:77', '-o', 'a.jpg', '--json'])).out,
    ).at(-1)
    const { id } = made?.['task'] as { id: string }
    expect((await run(['tasks'])).out).toContain(id)
    expect((await run(['tasks', '--status', 'cancelled'])).out).not.toContain(id)
    expect((await run(['tasks', 'get', id])).out).toContain('resize:77')
    const watched = await run(['watch', id, '--json'])
    expect([watched.code, json(watched.out).at(-1)]).toEqual([
      0,
      expect.objectContaining({ id, status: 'completed' }),
    ])
    expect((await run(['get', id, '-o', '-'])).bytes).toEqual(await Bun.file(join(home, 'a.jpg')).bytes())
    expect((await run(['get', id, 'nothing'])).code).toBe(2)
    expect((await run(['tasks', 'cancel', id])).code).toBe(2)
    expect((await run(['tasks', 'delete', id])).code).toBe(0)
    expect((await run(['tasks', 'get', id])).code).toBe(2)
  })

  test('a list goes on where the one before ended', async () => {
    const first = json((await run(['tasks', 'list', '--limit', '2', '--json'])).out)[0] as {
      items: unknown[]
      next: string
    }
    expect(first.items).toHaveLength(2)
    const { code, out } = await run(['tasks', '--limit', '2', '--cursor', first.next, '--json'])
    expect(code).toBe(0)
    expect((json(out)[0] as typeof first).items).not.toEqual(first.items)
  })

  test('demo shows every stage and a call to copy', async () => {
    const { code, out, err } = await run(['demo', '-o', 'evening.webp'])
    expect([code, await typeOf('evening.webp')]).toEqual([0, 'webp'])
    for (const stage of ['queued', 'started', 'fetched', 'decoded', 'output', 'completed'])
      expect(err).toContain(stage)
    const call = /^ {2}(curl .*)$/m.exec(out)?.[1] ?? ''
    const answer = Bun.spawnSync(['sh', '-c', call], { stdout: 'pipe', stderr: 'ignore' })
    expect(JSON.parse(answer.stdout.toString())).toMatchObject({ status: 'queued' })
  })

  test('version tells both versions', async () => {
    const { out } = await run(['version', '--json'])
    expect(json(out)[0]).toMatchObject({
      bun: process.versions.bun,
      server: { url, version: expect.any(String) },
    })
  })
})

describe('exit codes', () => {
  const nobody = 'http://192.0.2.1.invalid:3000'

  test.each([
    ['2, no such command', ['proces'], 2],
    ['2, no such option', ['process', 'photo.jpg', '--nope'], 2],
    ['2, an argument is missing', ['process'], 2],
    ['2, nothing to do', ['process', 'photo.jpg'], 2],
    ['2, a status that is none', ['tasks', '--status', 'done'], 2],
    ['2, no such task', ['tasks', 'get', '01936f2e-7c5e-7abc-9def-0123456789ab'], 2],
    ['3, nobody there', ['tasks', '--server', nobody], 3],
    ['3, nobody there', ['process', 'photo.jpg', '-r', 'resize:10', '-s', nobody], 3],
    ['0, help', ['process', '--help'], 0],
    ['0, version', ['--version'], 0],
  ])('%s', async (_, args, expected) => {
    const { code, err } = await run(args)
    expect(code).toBe(expected)
    expect(err.includes('error:')).toBe(expected !== 0)
    expect(err).not.toContain('    at ')
  })

  test('2, a setting is wrong, and it is named', async () => {
    const { code, err } = await run(['tasks'], { env: { PIXELFLOW_URL: 'ftp://x' } })
    expect([code, err]).toEqual([2, expect.stringContaining('PIXELFLOW_URL')])
  })

  test.each([
    'up',
    'demo',
    'process',
    'upload',
    'watch',
    'tasks',
    'get',
    'version',
    'test',
    'verify',
    'bench',
    'loadtest',
  ])('%s has a help with examples', async (name) => {
    const { code, out } = await run([name, '--help'])
    expect([code, out]).toEqual([0, expect.stringContaining('Examples:')])
  })
})

test('with tokens, every call needs one, and it is never asked for on the command line', async () => {
  const port = String(await freePort())
  const env = {
    PIXELFLOW_URL: `http://127.0.0.1:${port}`,
    PIXELFLOW_HTTP_PORT: port,
    PIXELFLOW_DATA_DIR: join(home, 'tokens'),
    PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob',
  }
  await using running = launch({ command: [pixelflow, 'up'], env })
  await running.line((line) => says('ready')(line) && line.includes('"room":"up"'), 60_000)
  const without = await run(['process', 'photo.jpg', '-r', 'resize:10', '-o', 't.jpg'], { env })
  expect([without.code, without.err]).toEqual([4, expect.stringContaining('PIXELFLOW_TOKEN')])
  expect((await run(['tasks'], { env: { ...env, PIXELFLOW_TOKEN: 'wrong' } })).code).toBe(4)
  const ann = { ...env, PIXELFLOW_TOKEN: 'secret-of-ann' }
  const done = await run(['process', 'photo.jpg', '-r', 'resize:10', '-o', 't.jpg', '--json'], { env: ann })
  expect(done.code).toBe(0)
  const { id } = json(done.out).at(-1)?.['task'] as { id: string }
  expect((await run(['tasks', 'get', id, '--token', 'secret-of-bob'], { env })).code).toBe(2)
  expect((await run(['tasks', 'get', id, '--token', 'secret-of-ann'], { env })).code).toBe(0)
  expect(running.lines.join('\n')).not.toContain('secret-of')
}, 90_000)
