import type { MessageInitShape } from '@bufbuild/protobuf'
import { expect } from 'bun:test'
import type { DownloadRequestSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { calls, digestOf, present, refused, type Bench, type Scenario } from './bench.ts'
import { call } from './grpcurl.ts'

type Request = MessageInitShape<typeof DownloadRequestSchema>

/** What was said of the bytes, and the bytes. */
async function download({ ann }: Bench, request: Request) {
  const ending = await call(ann, calls.download, request)
  expect([ending.code, ending.detail]).toEqual([0, ''])
  const [first, ...rest] = ending.answers.map(({ data }) => data)
  if (first?.case !== 'content') throw new Error('The first answer says nothing of the bytes.')
  const bytes = Buffer.concat(rest.map(({ value }) => value as Uint8Array))
  expect(BigInt(bytes.length)).toBe(first.value.length)
  return { about: first.value, bytes: new Uint8Array(bytes) }
}

const ofImage = async ({ image }: Bench) => ({ case: 'image' as const, value: (await image()).id })
const ofOutput = async ({ done }: Bench, name: string) => ({
  case: 'output' as const,
  value: { task: (await done()).id, name },
})

/** Stored bytes, whole and in part. */
export const downloadScenarios: Readonly<Record<string, Scenario>> = {
  async 'download-image'(bench) {
    const { id } = await bench.image()
    const { about, bytes } = await download(bench, { source: await ofImage(bench) })
    expect(Buffer.compare(bytes, bench.photo)).toBe(0)
    expect(about).toMatchObject({ sha256: digestOf(bytes), mediaType: 'image/jpeg', fileName: `${id}.jpg` })
  },
  async 'download-output'(bench) {
    for (const { name, sha256, mediaType } of (await bench.done()).outputs) {
      const { about, bytes } = await download(bench, { source: await ofOutput(bench, name) })
      expect(about).toMatchObject({ sha256, mediaType })
      expect(digestOf(bytes)).toBe(sha256)
    }
  },
  async 'download-range'(bench) {
    const request = { source: await ofImage(bench), offset: 100n, length: 1000n }
    const { about, bytes } = await download(bench, request)
    expect(bytes).toEqual(bench.photo.slice(100, 1100))
    expect(about).toMatchObject({ offset: 100n, length: 1000n, sha256: digestOf(bench.photo) })
  },
  async 'download-tail'(bench) {
    const request = { source: await ofImage(bench), offset: 1000n, length: 1n << 40n }
    const { bytes } = await download(bench, request)
    expect(bytes).toEqual(bench.photo.slice(1000))
  },
  async 'download-outside'(bench) {
    const request = { source: await ofImage(bench), offset: BigInt(bench.photo.length) }
    const ending = await call(bench.ann, calls.download, request)
    refused(ending, 'OUT_OF_RANGE', 'range_not_satisfiable', 'offset')
  },
  async 'download-no-output'(bench) {
    const request = { source: await ofOutput(bench, 'huge') }
    const ending = await call(bench.ann, calls.download, request)
    refused(ending, 'NOT_FOUND', 'output_not_found')
  },
  async 'download-nothing'({ ann }) {
    const ending = await call(ann, calls.download, {})
    refused(ending, 'INVALID_ARGUMENT', 'invalid_request', 'source')
    expect(present(ending.remedy)).not.toBe('')
  },
}
