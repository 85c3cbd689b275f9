import { describe, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SettingProblem } from '@pixelflow/platform/config/read-settings'
import { sampleImage } from '@pixelflow/testkit/images'
import { freePort } from '@pixelflow/testkit/port'
import { launch, residentBytes, hasMessage } from '@pixelflow/testkit/process'
import { parsePrometheus } from '@pixelflow/testkit/prometheus'
import { startStack } from '@pixelflow/testkit/stack'
import { measurePeak } from '@pixelflow/testkit/measure-peak'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { connectRawClient } from './testing/raw-client.ts'

const main = join(import.meta.dir, 'main.ts')
const command = [process.execPath, main]
const line = (text: string) => JSON.parse(text) as Record<string, unknown>

/** Waits until the gateway has received the headers of an upload. */
async function waitForUpload(url: string): Promise<void> {
  const countRequests = async () =>
    parsePrometheus(await (await fetch(`${url}/metrics`)).text()).value('http_requests_in_flight')
  // The request for the metrics is one of them.
  await waitFor('upload in flight', countRequests, (requests) => requests === 2)
}

describe('the gateway does not start', () => {
  test('with invalid settings, and reports all of them', async () => {
    await using running = launch({
      command,
      env: { PIXELFLOW_HTTP_PORT: 'x', PIXELFLOW_HOST: '0.0.0.0', PIXELFLOW_LOG_FORMAT: 'json' },
    })
    const { problems } = line(await running.line(hasMessage('invalid settings'))) as {
      problems: SettingProblem[]
    }
    expect(problems.map((one) => one.variable).join()).toContain('PIXELFLOW_HTTP_PORT')
    expect(await running.exited).toBe(2)
  })

  test('on a public address without tokens', async () => {
    await using running = launch({
      command,
      env: { PIXELFLOW_HOST: '0.0.0.0', PIXELFLOW_LOG_FORMAT: 'json' },
    })
    const { problems } = line(await running.line(hasMessage('invalid settings'))) as {
      problems: SettingProblem[]
    }
    expect(problems.map((one) => one.remedy).join()).toContain('PIXELFLOW_API_TOKENS')
    expect(await running.exited).toBe(2)
  })

  test('with a former name of a setting of another process', async () => {
    await using running = launch({
      command,
      env: { PIXELFLOW_CHILD_MAX_RSS: '1GiB', PIXELFLOW_LOG_FORMAT: 'json' },
    })
    expect(line(await running.line(hasMessage('invalid settings')))['problems']).toEqual([
      {
        variable: 'PIXELFLOW_CHILD_MAX_RSS',
        problem: 'is the former name of a setting',
        remedy: 'Rename it to PIXELFLOW_WORKER_MAX_RSS.',
      },
    ])
    expect(await running.exited).toBe(2)
  })

  test('on a port in use, with a remedy', async () => {
    const port = await freePort()
    const holder = createServer().listen(port, '127.0.0.1')
    await using stack = await startStack()
    await using running = launch({
      command,
      env: {
        ...stack.nats.env,
        PIXELFLOW_HTTP_PORT: String(port),
        PIXELFLOW_GRPC_PORT: '0',
        PIXELFLOW_LOG_FORMAT: 'json',
        PIXELFLOW_DATA_DIR: join(tmpdir(), `pixelflow-taken-${port}`),
      },
    })
    const entry = await running.line(hasMessage('service failed'))
    expect(entry).toContain(`port ${port}: another process uses it`)
    expect(entry).toContain('PIXELFLOW_HTTP_PORT')
    expect(await running.exited).toBe(1)
    holder.close()
    await rm(join(tmpdir(), `pixelflow-taken-${port}`), { recursive: true, force: true })
  }, 30_000)

  test('with a shared cache that is not a folder', async () => {
    const data = await mkdtemp(join(tmpdir(), 'pixelflow-refused-'))
    await using stack = await startStack()
    await using running = launch({
      command,
      env: {
        ...stack.nats.env,
        PIXELFLOW_HTTP_PORT: String(await freePort()),
        PIXELFLOW_GRPC_PORT: '0',
        PIXELFLOW_LOG_FORMAT: 'json',
        PIXELFLOW_DATA_DIR: data,
        PIXELFLOW_SHARED_CACHE_DIR: import.meta.path,
      },
    })
    expect(line(await running.line(hasMessage('invalid settings')))['problems']).toEqual([
      expect.objectContaining({
        variable: `PIXELFLOW_SHARED_CACHE_DIR=${JSON.stringify(import.meta.path)}`,
        problem: 'is not a folder',
      }),
    ])
    expect(await running.exited).toBe(2)
    await rm(data, { recursive: true })
  }, 30_000)
})

describe('a running gateway', () => {
  test('finishes requests, ends event streams and exits with 0 on SIGTERM', async () => {
    await using stack = await startStack()
    const gateway = await stack.gateway()
    const photo = new Uint8Array(await sampleImage({ width: 600, height: 400 }))
    const upload = await fetch(`${gateway.url}/api/v1/images`, {
      method: 'POST',
      body: photo,
      headers: { 'content-type': 'image/jpeg' },
    })
    const { id: image } = (await upload.json()) as { id: string }
    const body = JSON.stringify({ image, recipe: 'flip' })
    const response = await fetch(`${gateway.url}/api/v1/tasks`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    const { id } = (await response.json()) as { id: string }
    const events = await fetch(`${gateway.url}/api/v1/tasks/${id}/events`)
    const watching = events.text()

    using slow = await connectRawClient(gateway.url)
    await slow.send(
      `POST /api/v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: ${photo.length}\r\n\r\n`,
    )
    await slow.send(photo.subarray(0, 20_000))
    await waitForUpload(gateway.url)
    gateway.signal('SIGTERM')
    await gateway.line(hasMessage('stopping'))
    expect(await watching).toContain('event: queued')
    await expect(fetch(`${gateway.url}/health/live`)).rejects.toThrow()
    await slow.send(photo.subarray(20_000))
    expect((await slow.response()).status).toBe(201)
    expect(await gateway.exited).toBe(0)
  }, 30_000)

  test('exits after the drain timeout when a request never ends', async () => {
    await using stack = await startStack({ env: { PIXELFLOW_DRAIN_TIMEOUT: '500ms' } })
    const gateway = await stack.gateway()
    using slow = await connectRawClient(gateway.url)
    await slow.send(
      'POST /api/v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n',
    )
    await waitForUpload(gateway.url)
    const begin = performance.now()
    gateway.signal('SIGTERM')
    expect(await gateway.exited).toBe(0)
    expect(performance.now() - begin).toBeLessThan(2500)
  }, 30_000)

  test('exits when its parent process exits', async () => {
    await using stack = await startStack()
    const dataDir = await mkdtemp(join(tmpdir(), 'pixelflow-parent-'))
    const env = {
      ...process.env,
      ...stack.nats.env,
      PIXELFLOW_HTTP_PORT: '0',
      PIXELFLOW_GRPC_PORT: '0',
      PIXELFLOW_DATA_DIR: dataDir,
      PIXELFLOW_EXIT_WITH_PARENT: '1',
      PIXELFLOW_LOG_FORMAT: 'json',
    }
    const child = Bun.spawn(command, { env, stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk)
      if (text.includes('"ready"')) break
    }
    await child.stdin.end()
    expect(await child.exited).toBe(0)
    await rm(dataDir, { recursive: true, force: true })
  }, 30_000)

  test('uses little memory during large uploads and slow downloads', async () => {
    const MiB = 2 ** 20
    await using stack = await startStack()
    const gateway = await stack.gateway()
    const total = 400 * MiB
    const block = crypto.getRandomValues(new Uint8Array(MiB))
    const send = () => {
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent === total) return controller.close()
          const next = block.slice()
          if (sent === 0) next.set([0x49, 0x49, 0x2a, 0, 0xf0, 0xff, 0xff, 0xff])
          sent += next.length
          controller.enqueue(next)
        },
      })
      return fetch(`${gateway.url}/api/v1/images`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'image/tiff' },
      })
    }
    const idle = await residentBytes(gateway.pid)
    const readResident = () => residentBytes(gateway.pid)
    let received = 0
    const peak = await measurePeak(readResident, async () => {
      const { id, bytes } = (await (await send()).json()) as { id: string; bytes: number }
      expect(bytes).toBe(total)
      using client = await connectRawClient(gateway.url)
      client.socket.removeAllListeners('data').on('data', (data: Buffer) => (received += data.length))
      client.socket.pause()
      await client.send(
        `GET /api/v1/images/${id}/content HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      )
      // The client reads nothing for a while, so every buffer on the way fills.
      await Bun.sleep(2000)
      client.socket.resume()
      await waitFor('download completed', () => client.socket.closed, Boolean, { timeoutMs: 60_000 })
    })
    expect(received).toBeGreaterThan(total)
    expect((peak - idle) / MiB).toBeLessThan(150)
  }, 90_000)
})
