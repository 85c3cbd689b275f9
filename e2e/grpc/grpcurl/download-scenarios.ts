import type { MessageInitShape } from '@bufbuild/protobuf'
import { expect } from 'bun:test'
import type { DownloadRequestSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sha256Of, required, expectError } from './expect-result.ts'
import { methods, type ScenarioContext, type Scenario } from './scenario-context.ts'
import { callGrpcurl } from './call-grpcurl.ts'

type Request = MessageInitShape<typeof DownloadRequestSchema>

/** Downloads bytes; returns the `content` message and the bytes. */
async function download({ ann }: ScenarioContext, request: Request) {
  const result = await callGrpcurl(ann, methods.download, request)
  expect([result.code, result.detail]).toEqual([0, ''])
  const [first, ...rest] = result.responses.map(({ data }) => data)
  if (first?.case !== 'content') throw new Error('The first response must be a content message.')
  const bytes = Buffer.concat(rest.map(({ value }) => value as Uint8Array))
  expect(BigInt(bytes.length)).toBe(first.value.length)
  return { content: first.value, bytes: new Uint8Array(bytes) }
}

const imageSource = async ({ image }: ScenarioContext) => ({
  case: 'image' as const,
  value: (await image()).id,
})
const outputSource = async ({ completedTask }: ScenarioContext, name: string) => ({
  case: 'output' as const,
  value: { task: (await completedTask()).id, name },
})

/** Downloads of images and outputs, complete and in part. */
export const downloadScenarios: Readonly<Record<string, Scenario>> = {
  async 'download-image'(context) {
    const { id } = await context.image()
    const { content, bytes } = await download(context, { source: await imageSource(context) })
    expect(Buffer.compare(bytes, context.photo)).toBe(0)
    expect(content).toMatchObject({ sha256: sha256Of(bytes), mediaType: 'image/jpeg', fileName: `${id}.jpg` })
  },
  async 'download-output'(context) {
    for (const { name, sha256, mediaType } of (await context.completedTask()).outputs) {
      const { content, bytes } = await download(context, { source: await outputSource(context, name) })
      expect(content).toMatchObject({ sha256, mediaType })
      expect(sha256Of(bytes)).toBe(sha256)
    }
  },
  async 'download-range'(context) {
    const request = { source: await imageSource(context), offset: 100n, length: 1000n }
    const { content, bytes } = await download(context, request)
    expect(bytes).toEqual(context.photo.slice(100, 1100))
    expect(content).toMatchObject({ offset: 100n, length: 1000n, sha256: sha256Of(context.photo) })
  },
  async 'download-tail'(context) {
    const request = { source: await imageSource(context), offset: 1000n, length: 1n << 40n }
    const { bytes } = await download(context, request)
    expect(bytes).toEqual(context.photo.slice(1000))
  },
  async 'download-out-of-range'(context) {
    const request = { source: await imageSource(context), offset: BigInt(context.photo.length) }
    const result = await callGrpcurl(context.ann, methods.download, request)
    expectError(result, 'OUT_OF_RANGE', 'RANGE_NOT_SATISFIABLE', 'offset')
  },
  async 'download-no-output'(context) {
    const request = { source: await outputSource(context, 'huge') }
    const result = await callGrpcurl(context.ann, methods.download, request)
    expectError(result, 'NOT_FOUND', 'OUTPUT_NOT_FOUND')
  },
  async 'download-no-source'({ ann }) {
    const result = await callGrpcurl(ann, methods.download, {})
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'source')
    expect(required(result.remedy)).not.toBe('')
  },
}
