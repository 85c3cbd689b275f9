import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { sampleImage } from '@pixelflow/testkit/images'
import { childrenOf, residentBytes, type RunningProcess } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { client, followToEnd } from '../client.ts'

/** The memory of every process is bounded, whatever the amount of data. */

const MiB = 1024 * 1024

let stack: Stack
let gateway: GatewayProcess
let actor: RunningProcess

beforeAll(async () => {
  stack = await startStack({ env: { PIXELFLOW_MAX_UPLOAD_BYTES: '4GiB' } })
  gateway = await stack.gateway()
  actor = await stack.actor()
}, 60_000)
afterAll(() => stack?.[Symbol.asyncDispose](), 30_000)

/** Samples the memory of processes until `stop`, which returns the peak of a single process in bytes. */
function recordPeakMemory(pids: () => Promise<number[]>) {
  let peak = 0
  let isRecording = true
  const done = (async () => {
    while (isRecording) {
      for (const pid of await pids()) peak = Math.max(peak, await residentBytes(pid))
      await Bun.sleep(25)
    }
  })()
  return {
    async stop(): Promise<number> {
      isRecording = false
      await done
      return peak
    },
  }
}

test('a 2 GB upload and its download to a slow reader leave the gateway within 150 MB of idle', async () => {
  const api = client(gateway.url)
  await api.upload(await sampleImage())
  const idle = await residentBytes(gateway.pid)
  const memory = recordPeakMemory(async () => [gateway.pid])
  const total = 2 * 1024 * MiB

  const sent = new Bun.CryptoHasher('sha256')
  const image = await client(gateway.url).json<{ id: string; bytes: number; width: number | null }>(
    '/api/v1/images',
    {
      method: 'POST',
      headers: { 'content-type': 'image/tiff' },
      body: streamTiff(total, sent),
    },
  )
  expect(image).toMatchObject({ bytes: total, width: null })

  const received = await readSlowly(gateway.url, `/api/v1/images/${image.id}/content`)
  expect(received).toEqual({ bytes: total, sha256: sent.digest('hex') })
  const peak = await memory.stop()
  expect((peak - idle) / MiB).toBeLessThan(150)
}, 240_000)

test('a 50-megapixel photo is processed with less than 1 GB in every process', async () => {
  const api = client(gateway.url)
  const image = await api.upload(await sampleImage({ width: 8688, height: 5792, quality: 85, noise: 12 }))
  const memory = recordPeakMemory(async () => [
    gateway.pid,
    actor.pid,
    stack.nats.pid,
    ...(await childrenOf(actor.pid)),
  ])
  for (const recipe of [
    'resize:2000/format:webp',
    'rotate:90/crop:left=100:top=100:width=5000:height=5000/resize:800',
    'blur:3',
  ]) {
    const { id } = await api.submit(image.id, recipe)
    const end = (await followToEnd(() => api, id, { timeoutMs: 120_000 })).at(-1)?.view
    expect([recipe, end?.kind, end?.task.fault?.detail]).toEqual([recipe, 'completed', undefined])
  }
  expect((await memory.stop()) / MiB).toBeLessThan(1024)
}, 240_000)

/** Random bytes behind the header of a TIFF file. */
function streamTiff(total: number, digest: Bun.CryptoHasher): ReadableStream<Uint8Array> {
  const block = crypto.getRandomValues(new Uint8Array(64 * 1024))
  let sentBytes = 0
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sentBytes >= total) {
        controller.close()
        return
      }
      const next = block.slice()
      if (sentBytes === 0) next.set([0x49, 0x49, 0x2a, 0x00, 0xf0, 0xff, 0xff, 0xff])
      else new DataView(next.buffer).setFloat64(0, sentBytes)
      sentBytes += next.length
      digest.update(next)
      controller.enqueue(next)
    },
  })
}

/** Reads a response over a socket: slowly for 5 s, then as fast as it arrives. */
async function readSlowly(baseUrl: string, path: string): Promise<{ bytes: number; sha256: string }> {
  const { hostname, port, host } = new URL(baseUrl)
  const socket = connect(Number(port), hostname)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  const digest = new Bun.CryptoHasher('sha256')
  const startedAt = Date.now()
  let bytes = 0
  let head = Buffer.alloc(0)
  let inBody = false
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    let body = chunk
    if (!inBody) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) continue
      expect(head.toString('latin1', 0, end)).toContain(' 200 ')
      body = head.subarray(end + 4)
      inBody = true
    }
    digest.update(body)
    bytes += body.length
    // A slow reader.
    if (Date.now() - startedAt < 5_000) await Bun.sleep(250)
  }
  return { bytes, sha256: digest.digest('hex') }
}
