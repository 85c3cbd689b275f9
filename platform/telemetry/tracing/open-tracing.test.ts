import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmod, mkdtemp, rm, symlink, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOtlpCollector } from '@pixelflow/testkit/otlp-collector'
import { InvalidSettings, readSettings } from '../../config/read-settings.ts'
import { createLogger } from '../logger.ts'
import { openTracing } from './open-tracing.ts'
import { readRing } from './ring/read-ring.ts'
import { traceSettings } from './trace-settings.ts'
import { inSpan, isTracing } from './tracing.ts'

let home: string
let lines: string[]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixelflow-tracing-'))
  lines = []
})
afterEach(() => rm(home, { recursive: true, force: true }))

function open(env: Readonly<Record<string, string>>): Promise<AsyncDisposable> {
  const log = createLogger({ service: 'test', format: 'json', write: (line) => lines.push(line) })
  return openTracing({ service: 'test', version: '1.2.3', settings: readSettings(traceSettings, env), log })
}

async function problemsOf(env: Readonly<Record<string, string>>): Promise<string> {
  const thrown = await open(env).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(thrown instanceof InvalidSettings)) throw new Error('the settings are accepted')
  return thrown.message
}

describe('tracing', () => {
  test('is off without settings, and with a ring of size 0', async () => {
    for (const env of [
      {},
      { PIXELFLOW_TRACE_RING_DIR: join(home, 'ring'), PIXELFLOW_TRACE_RING_SIZE: '0' },
    ]) {
      await using _ = await open(env)
      expect(isTracing()).toBe(false)
    }
  })

  test('writes every span to the ring, and sends the sampled ones to the collector', async () => {
    await using collector = startOtlpCollector()
    const ring = join(home, 'ring')
    {
      await using _ = await open({
        PIXELFLOW_TRACE_RING_DIR: ring,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      })
      const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true, isRemote: true }
      inSpan('of a sampled caller', { parent, attributes: { task: 'one' } }, () => {})
      inSpan('of no caller', { attributes: { task: 'one' } }, () => {})
    }
    expect(isTracing()).toBe(false)
    expect((await readRing(ring, ['"one"'])).map(({ name }) => name)).toEqual([
      'of a sampled caller',
      'of no caller',
    ])
    expect(collector.spans.map(({ name }) => name)).toEqual(['of a sampled caller'])
  })

  test('sends to the address for traces as it is, which takes precedence', async () => {
    await using collector = startOtlpCollector()
    {
      await using _ = await open({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1/unused',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/own/path`,
      })
      inSpan('work', {}, () => {})
    }
    expect(collector.requests.map(({ path }) => path)).toEqual(['/own/path'])
  })

  test('is not sent when the SDK is disabled, and still written to the ring', async () => {
    await using collector = startOtlpCollector()
    const ring = join(home, 'ring')
    const disabled = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_SDK_DISABLED: 'TRUE' }
    {
      await using _ = await open(disabled)
      expect(isTracing()).toBe(false)
    }
    {
      await using _ = await open({ ...disabled, PIXELFLOW_TRACE_RING_DIR: ring })
      inSpan('work', {}, () => {})
    }
    expect(await readRing(ring, ['"work"'])).toHaveLength(1)
    expect(collector.requests).toEqual([])
  })

  test('ends also when the collector does not answer', async () => {
    await using collector = startOtlpCollector()
    collector.answer = 'never'
    const tracing = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint })
    inSpan('work', {}, () => {})
    await tracing[Symbol.asyncDispose]()
    expect(collector.requests).toHaveLength(1)
    expect(collector.spans).toEqual([])
  })

  test('logs lost spans once a minute', async () => {
    const tracing = await open({ PIXELFLOW_TRACE_RING_DIR: join(home, 'ring') })
    await rm(join(home, 'ring'), { recursive: true })
    inSpan('work', {}, () => {})
    await tracing[Symbol.asyncDispose]()
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ level: 'warn', msg: 'trace spans lost', spans: 1 }),
    ])
  })

  test('names settings that cannot be used', async () => {
    await mkdir(join(home, 'target'))
    await symlink(join(home, 'target'), join(home, 'link'))
    expect(await problemsOf({ PIXELFLOW_TRACE_RING_DIR: join(home, 'link') })).toContain('is a symbolic link')
    expect(await problemsOf({ PIXELFLOW_TRACE_RING_DIR: '/dev/null/ring' })).toStartWith(
      'PIXELFLOW_TRACE_RING_DIR="/dev/null/ring" cannot be created',
    )
    await mkdir(join(home, 'open'))
    await chmod(join(home, 'open'), 0o755)
    expect(await problemsOf({ PIXELFLOW_TRACE_RING_DIR: join(home, 'open') })).toContain(
      'can be entered or read by other users',
    )
    expect(
      await problemsOf({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example.com',
        OTEL_EXPORTER_OTLP_CERTIFICATE: join(home, 'missing.pem'),
      }),
    ).toContain('does not exist. Give the path of a PEM file.')
  })
})
