import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { freePort } from '@pixelflow/testkit/port'
import { jobKinds } from '@pixelflow/core/actor-kinds'
import { completedEventKinds } from '@pixelflow/testkit/tasks'
import { parseNdjson, useCliFixture, startUpProcess } from '../testing/cli-fixture.ts'

const shell = useCliFixture()
const { run, typeOf } = shell

describe('single commands', () => {
  test('upload, get, tasks list, tasks get and tasks delete work together', async () => {
    const bare = await run(['upload', 'photo.jpg'])
    expect(bare.out).toMatch(/^[0-9a-f-]{36}\n$/)
    expect((await run(['get', bare.out.trim(), '-o', 'into/'])).code).toBe(0)
    expect(await typeOf(`into/${bare.out.trim()}.jpg`)).toBe('jpeg')
    const uploaded = parseNdjson((await run(['upload', 'photo.jpg', '--json'])).out)[0] as {
      id: string
      sha256: string
    }
    expect((await run(['get', uploaded.id, '-o', 'back.jpg'])).code).toBe(0)
    expect(await Bun.file(join(shell.home, 'back.jpg')).bytes()).toEqual(
      await Bun.file(join(shell.home, 'photo.jpg')).bytes(),
    )

    const made = parseNdjson(
      (await run(['process', 'photo.jpg', '-r', 'resize:77', '-o', 'a.jpg', '--json'])).out,
    ).at(-1)
    const { id } = made?.['task'] as { id: string }
    expect((await run(['tasks'])).out).toContain(id)
    expect((await run(['tasks', '--status', 'cancelled'])).out).not.toContain(id)
    expect((await run(['tasks', 'get', id])).out).toContain('resize:77')
    const watched = await run(['watch', id, '--json'])
    expect([watched.code, parseNdjson(watched.out).at(-1)]).toEqual([
      0,
      expect.objectContaining({ id, status: 'completed' }),
    ])
    expect((await run(['get', id, '-o', '-'])).bytes).toEqual(
      await Bun.file(join(shell.home, 'a.jpg')).bytes(),
    )
    expect((await run(['get', id, 'nothing'])).code).toBe(1)
    expect((await run(['tasks', 'cancel', id])).code).toBe(1)
    const retried = parseNdjson((await run(['tasks', 'retry', id, '--json'])).out)[0] as { id: string }
    expect(retried).toMatchObject({ retryOf: id, image: expect.any(String) })
    expect((await run(['watch', retried.id])).code).toBe(0)
    expect((await run(['tasks', 'get', retried.id])).out).toContain(`retry of ${id}`)
    expect((await run(['tasks', 'delete', id])).code).toBe(0)
    expect((await run(['tasks', 'retry', id])).code).toBe(1)
    expect((await run(['tasks', 'get', id])).code).toBe(1)
  })

  test('a list continues where the previous one ended', async () => {
    for (const side of [11, 12, 13])
      await run(['process', 'photo.jpg', '-r', `resize:${side}`, '-o', 'l.jpg'])
    const first = parseNdjson((await run(['tasks', 'list', '--limit', '2', '--json'])).out)[0] as {
      items: unknown[]
      next: string
    }
    expect(first.items).toHaveLength(2)
    const { code, out } = await run(['tasks', '--limit', '2', '--cursor', first.next, '--json'])
    expect(code).toBe(0)
    expect((parseNdjson(out)[0] as typeof first).items).not.toEqual(first.items)
  })

  test('demo shows every stage and a curl command that works', async () => {
    const { code, out, err } = await run(['demo', '-o', 'evening.webp'])
    expect([code, await typeOf('evening.webp')]).toEqual([0, 'webp'])
    for (const stage of completedEventKinds) expect(err).toContain(stage)
    const call = /^ {2}(curl .*)$/m.exec(out)?.[1] ?? ''
    const answer = Bun.spawnSync(['sh', '-c', call], { stdout: 'pipe', stderr: 'ignore' })
    expect(JSON.parse(answer.stdout.toString())).toMatchObject({ status: 'queued' })
  })

  test('actors lists the actors, over either protocol', async () => {
    const one = /^\S+\.\d+ +ready +\d+\.\d+\.\d+ +\d+\/\d+ /m
    expect((await run(['actors'])).out).toMatch(one)
    expect((await run(['actors', '--grpc', shell.grpc])).out).toMatch(one)
    const { out } = await run(['actors', '--json'])
    // The actor may still run the task of the previous test.
    expect(parseNdjson(out)).toEqual([
      {
        items: [expect.objectContaining({ state: 'ready', kinds: [...jobKinds], tasks: expect.any(Array) })],
      },
    ])
  })

  test('version shows both versions', async () => {
    const { out } = await run(['version', '--json'])
    expect(parseNdjson(out)[0]).toMatchObject({
      bun: process.versions.bun,
      server: { url: shell.url, version: expect.any(String) },
    })
  })
})

describe('get', () => {
  test('of a failed task says why it failed, and how to run it again', async () => {
    const photo = await Bun.file(join(shell.home, 'photo.jpg')).bytes()
    await Bun.write(join(shell.home, 'cut.jpg'), photo.slice(0, photo.length / 2))
    const image = JSON.parse((await run(['upload', 'cut.jpg', '--json'])).out) as { id: string }
    const response = await fetch(`${shell.url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ image: image.id, recipe: 'resize:10' }),
    })
    const { id } = (await response.json()) as { id: string }
    await run(['watch', id])
    const { code, err } = await run(['get', id, 'nope'])
    expect(code).toBe(1)
    expect(err).toMatch(new RegExp(`error: Task ${id} failed and has no outputs: .+\\.\\n`))
    expect(err).toContain(`Run it again with ./pixelflow tasks retry ${id}.`)
  })

  test('of an unknown id names both kinds', async () => {
    const { code, err } = await run(['get', '01936f2e-7c5e-7abc-9def-0123456789ab'])
    expect(code).toBe(1)
    expect(err).toContain('You have no task or image 01936f2e-7c5e-7abc-9def-0123456789ab.')
  })
})

describe('exit codes', () => {
  const unreachable = 'http://192.0.2.1.invalid:3000'

  test.each([
    ['2, unknown command', ['proces'], 2],
    ['2, unknown option', ['process', 'photo.jpg', '--nope'], 2],
    ['2, missing argument', ['process'], 2],
    ['2, nothing to do', ['process', 'photo.jpg'], 2],
    ['2, an unknown status', ['tasks', '--status', 'done'], 2],
    ['1, unknown task', ['tasks', 'get', '01936f2e-7c5e-7abc-9def-0123456789ab'], 1],
    ['3, no server', ['tasks', '--server', unreachable], 3],
    ['3, no server', ['process', 'photo.jpg', '-r', 'resize:10', '-s', unreachable], 3],
    [
      '3, no server at the given local address',
      ['process', 'photo.jpg', '-r', 'flip', '-s', 'http://127.0.0.1:1'],
      3,
    ],
    ['2, unknown subcommand', ['tasks', 'foo'], 2],
    ['2, help for an unknown command', ['help', 'bogus'], 2],
    ['2, invalid id', ['watch', 'foo'], 2],
    ['2, invalid limit', ['tasks', '--limit', '0'], 2],
    ['2, missing certificate file', ['tasks', '--ca', 'nope.pem'], 2],
    [
      '2, missing folder for a download',
      ['get', '01936f2e-7c5e-7abc-9def-0123456789ab', '-o', 'no/x.webp'],
      2,
    ],
    ['0, help', ['process', '--help'], 0],
    ['0, version', ['--version'], 0],
  ])('%s', async (_, args, expected) => {
    const { code, err } = await run(args)
    expect(code).toBe(expected)
    expect(err.includes('error:')).toBe(expected !== 0)
    expect(err).not.toContain('    at ')
  })

  test('2, invalid setting, which is named', async () => {
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
    'actors',
    'admin',
    'version',
    'test',
    'verify',
    'bench',
    'loadtest',
    'chaos',
  ])('%s has help with examples', async (name) => {
    const { code, out } = await run([name, '--help'])
    expect([code, out]).toEqual([0, expect.stringContaining('Examples:')])
  })
})

describe('commands for developers', () => {
  test('test runs the given tests and prints the total', async () => {
    const { code, out } = await run(['test', 'cli/client/recipe.test.ts', 'cli/demo'])
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^\d+ passed, 0 failed$/)
    expect(code).toBe(0)
    const nothing = await run(['test', 'cli/nothing-here'])
    expect([nothing.code, nothing.out.trimEnd().split('\n').at(-1)]).toEqual([1, '0 passed, 1 failed'])
  }, 60_000)

  test('verify runs the given checks, and lists all checks after an unknown one', async () => {
    const { code, out } = await run(['verify', 'shell'])
    expect([code, out]).toEqual([0, expect.stringContaining('1 of 1 checks passed')])
    const none = await run(['verify', 'nonsense'])
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('types of the page')])
  })

  test.each([
    [['chaos', '--acts', 'bogus'], 'Unknown fault bogus.', 'Give one of killActor, '],
    [['chaos', '--rate', 'x'], '--rate x is not a number from 0.1 to 1000.', 'Give a number'],
    [['bench', '--bogus'], '--bogus', 'See ./pixelflow bench --help.'],
    [['bench', '--save', '/proc/x/y'], '/proc/x/y is not writable', 'field    --save'],
    [['bench', '--profile', '/proc/x'], '/proc/x is not writable', 'field    --profile'],
  ])('2, invalid option: %p', async (args, problem, remedy) => {
    const { code, err } = await run(args)
    expect(err).toContain(problem)
    expect(err).toContain(remedy)
    expect(err).not.toContain('    at ')
    expect(code).toBe(2)
  })
})

test('the help of bench names every part', async () => {
  const { err } = await run(['bench', '--parts', 'bogus'])
  const known = /Known: (.+)\./.exec(err)?.[1]?.split(', ') ?? []
  expect(known).toContain('works')
  const { out } = await run(['bench', '--help'])
  expect(known.filter((part) => !new RegExp(`\\b${part}\\b`).test(out))).toEqual([])
})

test('JSON output includes the error', async () => {
  const { code, out } = await run(['tasks', 'get', '01936f2e-7c5e-7abc-9def-0123456789ab', '--json'])
  expect(code).toBe(1)
  expect(parseNdjson(out)).toEqual([
    { error: expect.objectContaining({ code: 1, requestId: expect.any(String) }) },
  ])
})

test('with tokens, every call needs one, and no command line shows it', async () => {
  const port = String(await freePort())
  const env = {
    PIXELFLOW_URL: `http://127.0.0.1:${port}`,
    PIXELFLOW_HTTP_PORT: port,
    PIXELFLOW_GRPC_PORT: '0',
    PIXELFLOW_DATA_DIR: join(shell.home, 'tokens'),
    PIXELFLOW_API_TOKENS: 'ann:secret-of-ann,bob:secret-of-bob',
  }
  await using running = await startUpProcess(env)
  const without = await run(['process', 'photo.jpg', '-r', 'resize:10', '-o', 't.jpg'], { env })
  expect([without.code, without.err]).toEqual([4, expect.stringContaining('PIXELFLOW_TOKEN')])
  expect((await run(['tasks'], { env: { ...env, PIXELFLOW_TOKEN: 'wrong' } })).code).toBe(4)
  await Bun.write(join(shell.home, 'photo-2.jpg'), Bun.file(join(shell.home, 'photo.jpg')))
  const many = await run(['process', 'photo.jpg', 'photo-2.jpg', '-r', 'resize:10', '-o', 't/'], { env })
  expect([many.code, many.err.match(/PIXELFLOW_TOKEN/g)]).toEqual([4, ['PIXELFLOW_TOKEN']])
  const ann = { ...env, PIXELFLOW_TOKEN: 'secret-of-ann' }
  const done = await run(['process', 'photo.jpg', '-r', 'resize:10', '-o', 't.jpg', '--json'], {
    env: ann,
  })
  expect(done.code).toBe(0)
  const { id } = parseNdjson(done.out).at(-1)?.['task'] as { id: string }
  expect((await run(['tasks', 'get', id, '--token', 'secret-of-bob'], { env })).code).toBe(1)
  expect((await run(['tasks', 'get', id, '--token', 'secret-of-ann'], { env })).code).toBe(0)
  expect(running.lines.join('\n')).not.toContain('secret-of')
}, 90_000)
