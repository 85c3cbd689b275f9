import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { freePort } from '@pixelflow/testkit/port'
import { readGrpcAddress, parseNdjson, useCliFixture, startUpProcess } from '../testing/cli-fixture.ts'

/** Commands over gRPC have the same output and exit codes as over HTTP. */

const shell = useCliFixture()
const { run } = shell
const read = (name: string) => Bun.file(join(shell.home, name)).bytes()

describe('with --grpc', () => {
  test('process has the same output and the same result', async () => {
    const typed = ['process', 'photo.jpg', '-r', 'resize:120/format:webp', '--json', '-o']
    const http = await run([...typed, 'http.webp'])
    const grpc = await run([...typed, 'grpc.webp', '--grpc', shell.grpc])
    expect([http.code, grpc.code, grpc.err]).toEqual([0, 0, ''])
    const kinds = (out: string) => parseNdjson(out).map((line) => line['kind'])
    expect(kinds(grpc.out)).toEqual(kinds(http.out))
    expect(Object.keys(parseNdjson(grpc.out)[0] ?? {})).toEqual(Object.keys(parseNdjson(http.out)[0] ?? {}))
    expect(parseNdjson(grpc.out).at(-1)).toMatchObject({
      task: { status: 'completed' },
      files: [{ name: 'default' }],
    })
    expect(await read('grpc.webp')).toEqual(await read('http.webp'))
  })

  test('single commands work, also in turn over both protocols', async () => {
    const env = { PIXELFLOW_GRPC_URL: shell.grpc }
    const image = parseNdjson((await run(['upload', 'photo.jpg', '--json', '--grpc'], { env })).out)[0]
    expect((await run(['get', String(image?.['id']), '-o', 'back.jpg'])).code).toBe(0)
    expect(await read('back.jpg')).toEqual(await read('photo.jpg'))

    const done = await run(['process', 'photo.jpg', '-r', 'resize:77', '-o', 'a.jpg', '--json', '--grpc'], {
      env,
    })
    const lines = parseNdjson(done.out)
    const { id } = lines.at(-1)?.['task'] as { id: string }
    const after = String(lines[3]?.['token'])
    expect((await run(['tasks', '--grpc'], { env })).out).toContain(id)
    expect((await run(['tasks', 'get', id, '--grpc'], { env })).out).toContain('resize:77')
    for (const more of [[], ['--grpc']]) {
      const watched = await run(['watch', id, '--after', after, '--json', ...more], { env })
      expect(parseNdjson(watched.out).map((line) => line['kind'])).toEqual(['output', 'completed', undefined])
      const refused = await run(['watch', id, '--after', 'zz', ...more], { env })
      expect([refused.code, refused.err]).toEqual([
        2,
        expect.stringMatching(/Invalid resume token "zz"\.[^]*field +--after/),
      ])
    }
    expect((await run(['get', id, '-o', '-', '--grpc'], { env })).bytes).toEqual(await read('a.jpg'))
    expect((await run(['tasks', 'delete', id, '--grpc'], { env })).code).toBe(0)
    const gone = await run(['tasks', 'get', id, '--grpc'], { env })
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining(id)])
  })

  test('errors are the same as over HTTP', async () => {
    const stdin = new TextEncoder().encode('not an image')
    const typed = ['process', '-', '-r', 'resize:100', '-o', 'notes.jpg']
    const [http, grpc] = [await run(typed, { stdin }), await run([...typed, '--grpc', shell.grpc], { stdin })]
    const plain = (err: string) => err.replaceAll(/^ +(request|field|remedy) .*$/gm, '$1')
    expect([grpc.code, plain(grpc.err)]).toEqual([http.code, plain(http.err)])
    expect(grpc.err).toMatch(/request {2}\S+/)
  })

  test('addresses without a server are reported; one of several is enough', async () => {
    const unused = `127.0.0.1:${await freePort()}`
    const none = await run(['tasks', '--grpc', unused])
    expect([none.code, none.err]).toEqual([3, expect.stringContaining(`ECONNREFUSED ${unused}`)])
    expect(none.err).toContain('give the gRPC address of a running one with --grpc')
    const one = await run(['tasks', '--grpc', `${unused},${shell.grpc}`])
    expect([one.code, one.err]).toEqual([0, ''])
    const wrong = await run(['tasks', '--grpc', 'http://a/b'])
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('dns:///')])
    const file = await run(['process', '--grpc', 'photo.jpg'])
    expect([file.code, file.err]).toEqual([2, expect.stringContaining('Write --grpc after the files')])
  })

  test('a temporary server is found', async () => {
    const env = {
      PIXELFLOW_URL: `http://127.0.0.1:${await freePort()}`,
      PIXELFLOW_DATA_DIR: join(shell.home, 'ephemeral'),
    }
    const { code, out } = await run(['process', 'photo.jpg', '-r', 'resize:40', '-o', 'b.png', '--grpc'], {
      env,
    })
    expect([code, out]).toEqual([0, expect.stringContaining('b.png')])
  }, 60_000)
})

test('both protocols accept the certificates of the certs command and nothing else', async () => {
  const made = await run(['certs', '--client', 'ann', '--dir', 'certs', '--json'])
  expect([made.code, made.err]).toEqual([0, ''])
  const { authority, clients, settings } = parseNdjson(made.out)[0] as {
    authority: { certificate: string }
    clients: { certificate: string; key: string }[]
    settings: Record<string, string>
  }
  const [ann] = clients
  const port = String(await freePort())
  await using running = await startUpProcess({
    ...settings,
    PIXELFLOW_HTTP_PORT: port,
    PIXELFLOW_GRPC_PORT: '0',
    PIXELFLOW_DATA_DIR: join(shell.home, 'secured'),
  })
  const url = `https://127.0.0.1:${port}`
  const grpc = ['--grpc', await readGrpcAddress(running)]
  const ca = ['--ca', authority.certificate]
  const certificateFlags = [...ca, '--cert', ann?.certificate ?? '', '--key', ann?.key ?? '']
  const env = { PIXELFLOW_URL: url }
  for (const over of [[], grpc]) {
    const typed = ['process', 'photo.jpg', '-r', 'resize:50', '-o', 'tls.jpg', ...over]
    const { code, err } = await run([...typed, ...certificateFlags], { env })
    expect([code, err.split('\n').at(-2)]).toEqual([0, expect.stringContaining('completed')])
    for (const less of [[], ca]) expect((await run([...typed, ...less], { env })).code).not.toBe(0)
  }
  const [, grpcPort] = (await readGrpcAddress(running)).split(':')
  const unknown = await run(['tasks', '--grpc', `127.0.0.2:${grpcPort}`, '--ca', authority.certificate])
  expect(unknown.code).toBe(3)
  const half = await run(['tasks', ...ca, '--cert', ann?.certificate ?? ''], { env })
  expect([half.code, half.err]).toEqual([2, expect.stringContaining('--key')])
}, 90_000)
