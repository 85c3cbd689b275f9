import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, residentBytes } from '@pixelflow/testkit/process'
import { startStack, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'
import sharp from 'sharp'
import { client } from '../client.ts'

/** Synchronous calls whose images gateway and actor of one machine share in files, as those of `up` do. */

let stack: Stack
let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-e2e-shared-'))
  stack = await startStack({ env: { PIXELFLOW_LIVE_CONCURRENCY: '2', PIXELFLOW_SHARED_CACHE_DIR: home } })
}, 60_000)
afterEach(async () => {
  await stack?.[Symbol.asyncDispose]()
  await rm(home, { recursive: true, force: true })
}, 30_000)

/** Takes a second or more. */
const heavy = 'blur:40/resize:1500/format:webp:effort=6'
const photo = () => sampleImage({ width: 3000, height: 2000 })

const post = (url: string, recipe: string, body: Uint8Array | FormData, signal?: AbortSignal) =>
  client(url).call(`/api/v1/process?recipe=${recipe}`, {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer>,
    headers: body instanceof FormData ? {} : { 'content-type': 'image/jpeg' },
    ...(signal === undefined ? {} : { signal }),
  })

/** The files of calls in progress. */
async function sharedFiles(): Promise<string[]> {
  const folders = (await readdir(home)).filter((name) => name.startsWith('pixelflow-call~'))
  // A folder may be removed meanwhile.
  const all = await Promise.all(folders.map((folder) => readdir(join(home, folder)).catch(() => [])))
  return all.flat()
}
const oneFile = () => waitFor('the image is shared', sharedFiles, (found) => found.length === 1)
const noFiles = () => waitFor('no image is shared', sharedFiles, (found) => found.length === 0)

test('images of any size are processed, in a body and in a form, and no file stays', async () => {
  const [gateway] = await Promise.all([
    stack.gateway({ env: { PIXELFLOW_INLINE_MAX_BYTES: '2MiB' } }),
    stack.actor(),
  ])
  for (const [width, height] of [
    [300, 200],
    [2725, 2225],
    [4000, 3000],
  ] as const) {
    const source = await sampleImage({ width, height })
    const form = new FormData()
    form.set('file', new Blob([source], { type: 'image/jpeg' }), 'a.jpg')
    for (const body of [source, form]) {
      const response = await post(gateway.url, 'resize:120/format:webp', body)
      expect(response.status).toBe(200)
      expect(response.headers.has('content-location')).toBe(source.length > 2 * 2 ** 20)
      const metadata = await sharp(new Uint8Array(await response.arrayBuffer())).metadata()
      expect([metadata.format, metadata.width]).toEqual(['webp', 120])
    }
  }
  await noFiles()
}, 60_000)

test('an actor that does not share the folder gets the image in messages', async () => {
  const [gateway] = await Promise.all([
    stack.gateway(),
    stack.actor({ env: { PIXELFLOW_SHARED_CACHE_DIR: '' } }),
  ])
  expect((await post(gateway.url, 'resize:120', await photo())).status).toBe(200)
  await noFiles()
}, 60_000)

test('an image with an error fails as one that is sent, and its file is removed', async () => {
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const source = await photo()
  const response = await post(gateway.url, 'resize:120', source.subarray(0, source.length >> 1))
  expect(await response.json()).toMatchObject({ code: 'corrupt_image' })
  await noFiles()
}, 60_000)

describe('during a call', () => {
  test('an actor is killed: another actor reads the same file', async () => {
    const gateway = await stack.gateway()
    const first = await stack.actor()
    const answer = post(gateway.url, heavy, await photo())
    const before = await oneFile()
    const second = stack.actor()
    first.signal('SIGKILL')
    let status: number | undefined
    void answer.then((response) => (status = response.status))
    const seen = new Set(before)
    const watch = async () => {
      for (const file of await sharedFiles()) seen.add(file)
      return status
    }
    expect(await waitFor('the call is answered', watch, (found) => found !== undefined)).toBe(200)
    expect([...seen]).toEqual(before)
    await second
    await noFiles()
  }, 60_000)

  test('the workers are killed: another worker completes the call', async () => {
    const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
    const answer = post(gateway.url, heavy, await photo())
    await oneFile()
    for (const pid of await childrenOf(actor.pid)) process.kill(pid, 'SIGKILL')
    expect((await answer).status).toBe(200)
    await noFiles()
  }, 60_000)

  test('the client disconnects: the file is removed', async () => {
    const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
    const leaving = new AbortController()
    const answer = post(gateway.url, heavy, await photo(), leaving.signal).catch(() => 'left')
    await oneFile()
    leaving.abort()
    expect(await answer).toBe('left')
    await noFiles()
    expect((await post(gateway.url, 'resize:120', await photo())).status).toBe(200)
  }, 60_000)

  test('the gateway is killed: its actor removes the file', async () => {
    const [gateway, actor] = await Promise.all([stack.gateway(), stack.actor()])
    const children = await childrenOf(actor.pid)
    const largestWorker = async () => Math.max(...(await Promise.all(children.map(residentBytes))))
    const idleBytes = await largestWorker()
    const answer = post(gateway.url, heavy, await photo()).catch(() => 'lost')
    await waitFor('a worker decodes the image', largestWorker, (bytes) => bytes > idleBytes + 4 * 2 ** 20)
    expect(await sharedFiles()).toHaveLength(1)
    gateway.signal('SIGKILL')
    expect(await answer).toBe('lost')
    await gateway.exited
    await noFiles()
  }, 60_000)
})
