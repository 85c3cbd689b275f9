import { describe, expect, test } from 'bun:test'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleDeadLetter } from '@pixelflow/testkit/contracts/dead-letters'
import { reportOf } from '@pixelflow/testkit/contracts/registry'
import { sampleImage } from '@pixelflow/testkit/images'
import { parsePrometheus, type PrometheusMetrics } from '@pixelflow/testkit/prometheus'
import { sampleJob } from '@pixelflow/testkit/tasks'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { grpcClient } from '../testing/grpc-client.ts'
import { gatewayMetrics } from './gateway-metrics.ts'

const service = 'pixelflow.v1.ImageService'
let gateway: TestGateway
useFixture(openTestGateway, (opened) => (gateway = opened))

async function read(): Promise<PrometheusMetrics> {
  const answer = await gateway.call('/metrics')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parsePrometheus(await answer.text())
}

async function valueOf(name: string): Promise<number> {
  return (await read()).value(name)
}

describe('a scrape', () => {
  test('has exactly the metrics of gatewayMetrics', async () => {
    await gateway.call('/health/live')
    using client = grpcClient(gateway.grpcAddress)
    await client.unary(ImageService.method.getVersion, {})
    const names = Object.values(gatewayMetrics).map(({ name }) => name as string)
    // TLS metrics exist only with TLS.
    const rows = names.filter((name) => !name.includes('_tls_'))
    await waitFor(
      'event loop lag measured',
      async () => (await read()).names,
      (found) => found.includes('pixelflow_event_loop_lag_seconds'),
    )
    expect([...(await read()).names].sort()).toEqual(rows.sort())
  })

  test('has every method and code from the start', async () => {
    await using fresh = await openTestGateway()
    const reading = parsePrometheus(await (await fresh.call('/metrics')).text())
    const methods = new Set(
      reading
        .series('grpc_server_started_total')
        .filter((one) => one.labels['grpc_service'] === service)
        .map((one) => one.labels['grpc_method']),
    )
    expect(methods).toEqual(new Set(ImageService.methods.map(({ name }) => name)))
    expect(reading.series('grpc_server_handled_total').every((one) => one.value === 0)).toBe(true)
    const codes = reading.series('grpc_server_handled_total').map((one) => one.labels['grpc_code'])
    expect(codes).toContain('ResourceExhausted')
    expect(Object.keys(reading.series('grpc_server_handled_total')[0]?.labels ?? {}).sort()).toEqual([
      'grpc_code',
      'grpc_method',
      'grpc_service',
      'grpc_type',
    ])
  }, 30_000)

  test('has the state of the process and the gateway', async () => {
    const reading = await read()
    expect(reading.value('pixelflow_build_info', { version: '0.1.0' })).toBe(1)
    expect(reading.value('process_resident_memory_bytes')).toBeGreaterThan(10 * 2 ** 20)
    expect(reading.value('process_cpu_seconds_total')).toBeGreaterThan(0.05)
    expect(Math.abs(reading.value('process_start_time_seconds') - Date.now() / 1000)).toBeLessThan(600)
    expect(reading.value('process_open_fds')).toBeGreaterThan(5)
    expect(reading.value('pixelflow_ready')).toBe(1)
    expect(reading.value('pixelflow_broker_up')).toBe(1)
    expect(reading.value('pixelflow_broker_round_trip_seconds')).toBeGreaterThan(0)
    expect(reading.value('pixelflow_task_list_lag_events')).toBe(0)
    await waitFor(
      'event loop lag measured twice',
      () => valueOf('pixelflow_event_loop_lag_seconds_count'),
      (count) => count > 1,
    )
  })

  test('has the number of dead letters and the lag of the task list', async () => {
    expect([
      await valueOf('pixelflow_dead_letters'),
      await valueOf('pixelflow_task_list_lag_seconds'),
    ]).toEqual([0, NaN])
    const { id: image } = await gateway.image(await sampleImage({ width: 20, height: 20 }))
    const { id: task } = await gateway.submit(image)
    for (const one of [{ task }, {}]) await gateway.adapters.deadLetters.put(sampleDeadLetter(one))
    expect(await valueOf('pixelflow_dead_letters')).toBe(2)
    await waitFor(
      'lag of the task list measured',
      () => valueOf('pixelflow_task_list_lag_seconds'),
      (seconds) => seconds >= 0,
    )
    await gateway.adapters.deadLetters.delete(`transform.local.${task}`)
    expect(await valueOf('pixelflow_dead_letters')).toBe(1)
  })

  test('has the size of the backlog and the number of dispatchers', async () => {
    const of = (reading: PrometheusMetrics, name: string) => reading.value(name, { kind: 'transform' })
    const before = await read()
    expect(of(before, 'pixelflow_backlog_jobs')).toBe(0)
    expect(of(before, 'pixelflow_backlog_oldest_job_age_seconds')).toBe(0)
    expect(of(before, 'pixelflow_dispatchers')).toBe(0)
    const { queue, registry } = gateway.adapters
    const jobs = [sampleJob({ lane: 'bulk' }), sampleJob({ lane: 'bulk' })]
    for (const job of jobs) await queue.submit(job)
    await using _ = registry.announce(() => reportOf('one.1', { leaderOf: ['dispatcher-transform'] }))
    await waitFor(
      'dispatcher announced',
      async () => of(await read(), 'pixelflow_dispatchers'),
      (dispatchers) => dispatchers === 1,
    )
    const reading = await read()
    expect(of(reading, 'pixelflow_backlog_jobs')).toBe(2)
    expect(of(reading, 'pixelflow_backlog_oldest_job_age_seconds')).toBeGreaterThan(0)
    for (const job of jobs) await queue.remove(job)
    expect(of(await read(), 'pixelflow_backlog_jobs')).toBe(0)
  })

  test('is compressed if the client accepts gzip', async () => {
    const plain = await gateway.call('/metrics', { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    const compressed = await gateway.call('/metrics', { headers: { 'accept-encoding': 'gzip' } })
    expect(compressed.headers.get('content-encoding')).toBe('gzip')
    expect(parsePrometheus(await compressed.text()).names).toEqual(parsePrometheus(await plain.text()).names)
  })

  test('succeeds while the broker is unavailable', async () => {
    await using other = await openTestGateway()
    await other.nats.kill9()
    await waitFor(
      'broker down and gateway not ready',
      async () => {
        const reading = parsePrometheus(await (await other.call('/metrics')).text())
        return { brokerUp: reading.value('pixelflow_broker_up'), ready: reading.value('pixelflow_ready') }
      },
      ({ brokerUp, ready }) => brokerUp === 0 && ready === 0,
    )
  }, 30_000)
})

describe('access to the metrics', () => {
  /** The status of a response that is read to its end: a gateway waits at its own end for responses that are not. */
  const statusOf = async (answer: Promise<Response>) => {
    const response = await answer
    await response.arrayBuffer()
    return response.status
  }
  const env = { PIXELFLOW_API_TOKENS: 'ann:secret-of-ann' }
  test('without tokens: this machine, but no page of another origin', async () => {
    expect(await statusOf(gateway.call('/metrics', { headers: { host: 'evil.example' } }))).toBe(403)
    expect(await statusOf(gateway.call('/metrics', { headers: { origin: 'https://evil.example' } }))).toBe(
      403,
    )
  })

  test('with tokens: token, open and off', async () => {
    await using guarded = await openTestGateway({ env })
    expect(await statusOf(guarded.call('/metrics'))).toBe(401)
    const headers = { authorization: 'Bearer secret-of-ann' }
    expect(await statusOf(guarded.call('/metrics', { headers }))).toBe(200)
    await using open = await guarded.another({ PIXELFLOW_METRICS_ACCESS: 'open' })
    expect(await statusOf(fetch(`${open.url}/metrics`))).toBe(200)
    await using off = await guarded.another({ PIXELFLOW_METRICS_ACCESS: 'off' })
    expect(await statusOf(fetch(`${off.url}/metrics`, { headers }))).toBe(404)
  }, 30_000)
})
