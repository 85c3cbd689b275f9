import { expect, test } from 'bun:test'
import { ImageService, TaskEventKind, type Output } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { hasMessage } from '@pixelflow/testkit/process'
import { startStack } from '@pixelflow/testkit/stack'
import { digestOf, grpcClient, uploadWhole } from '../../../testing/grpc-client.ts'

const calls = ImageService.method

test('Process streams the events of a task and then its outputs, which Download returns, too', async () => {
  await using stack = await startStack()
  const [gateway] = await Promise.all([stack.gateway(), stack.actor()])
  const { grpc } = JSON.parse(await gateway.line(hasMessage('ready'))) as { grpc: string }
  using client = grpcClient(grpc)
  const image = (await uploadWhole(client, await sampleImage({ width: 900, height: 600 })))?.id ?? ''

  const kinds: TaskEventKind[] = []
  const outputs: { about: Output; chunks: Uint8Array[] }[] = []
  let task = ''
  const recipe = { kind: { case: 'stringValue' as const, value: 'resize:90/format:webp' } }
  for await (const { data } of client.serverStream(calls.process, { image, recipe })) {
    if (data.case === 'event') {
      kinds.push(data.value.kind)
      task = data.value.task?.id ?? ''
    }
    if (data.case === 'output') outputs.push({ about: data.value, chunks: [] })
    if (data.case === 'chunk') outputs.at(-1)?.chunks.push(data.value)
  }
  expect(kinds[0]).toBe(TaskEventKind.QUEUED)
  expect(kinds).toContain(TaskEventKind.OUTPUT)
  expect(kinds.at(-1)).toBe(TaskEventKind.COMPLETED)
  expect(outputs.map((one) => one.about)).toMatchObject([
    { name: 'default', format: 'webp', width: 90, height: 60 },
  ])
  const bytes = Buffer.concat(outputs[0]?.chunks ?? [])
  expect(digestOf(bytes)).toBe(outputs[0]?.about.sha256 ?? '')

  const again: Uint8Array[] = []
  const source = { case: 'output' as const, value: { task, name: '' } }
  for await (const { data } of client.serverStream(calls.download, { source })) {
    if (data.case === 'chunk') again.push(data.value)
  }
  expect(Buffer.concat(again)).toEqual(bytes)
}, 60_000)
