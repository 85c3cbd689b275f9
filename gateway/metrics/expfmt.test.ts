import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readConfig } from '@pixelflow/cli/config'
import { buildGoTool } from '@pixelflow/cli/tools/go'
import { parsePrometheus } from '@pixelflow/testkit/prometheus'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { openTestGateway, type TestGateway } from '../testing/test-gateway.ts'
import { failure, grpcClient } from '../testing/grpc-client.ts'

/** A metric as parsed by Prometheus' own parser, expfmt. */
interface Understood {
  readonly name: string
  readonly help: string
  readonly type: 'COUNTER' | 'GAUGE' | 'HISTOGRAM'
  readonly metrics: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value?: string }[]
}

let gateway: TestGateway
let text: string
let understood: readonly Understood[]
beforeAll(async () => {
  gateway = await openTestGateway()
  using client = grpcClient(gateway.grpcAddress)
  await client.unary(ImageService.method.getVersion, {})
  await failure(client.unary(ImageService.method.getTask, { id: '"\\\n' }))
  await gateway.call('/no/such/path')
  text = await (await gateway.call('/metrics')).text()

  const { root, cacheDir, env } = readConfig()
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const program = await buildGoTool('prom2json', { root, cacheDir, path: env['PATH'], say })
  const child = Bun.spawn([program], { stdin: new Blob([text]), stdout: 'pipe', stderr: 'pipe' })
  const [out, problems, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Error(problems)
  understood = JSON.parse(out) as Understood[]
}, 300_000)
afterAll(() => gateway?.[Symbol.asyncDispose]())

test('Prometheus and our own parser read the same metrics', () => {
  const ours = parsePrometheus(text)
  expect(understood.map(({ name }) => name).sort()).toEqual([...ours.names].sort())
  for (const { name, metrics, type } of understood) {
    if (type === 'HISTOGRAM') continue
    expect([name, metrics.length]).toEqual([name, ours.series(name).length])
    for (const { labels = {}, value } of metrics) {
      if (value !== 'NaN')
        expect([name, labels, ours.value(name, labels)]).toEqual([name, labels, Number(value)])
    }
  }
})

// The rules of promtool's linter for names and help texts.
test('the names and help texts follow the rules of promtool', () => {
  const problems = understood.flatMap(({ name, help, type, metrics }) => {
    const labels = Object.keys(metrics[0]?.labels ?? {})
    return [
      help.length < 10 && 'no help',
      (type === 'COUNTER') !== name.endsWith('_total') && 'a counter ends in _total, and nothing else does',
      type !== 'HISTOGRAM' && /_(count|sum|bucket)$/.test(name) && 'the end of a histogram',
      !/^[a-z][a-z0-9_]*$/.test(name) && 'not in snake_case',
      /_(milliseconds?|ms|minutes?|hours?|kilobytes?|megabytes?|kb|mb|percent)(_|$)/.test(name) &&
        'no base unit',
      /(counter|gauge|histogram)/.test(name) && 'its type in its name',
      labels.some((one) => !/^[a-z][a-z0-9_]*$/.test(one) || one === 'le') && 'a label',
    ]
      .filter((one) => one !== false)
      .map((one) => `${name}: ${one}`)
  })
  expect(problems).toEqual([])
})
