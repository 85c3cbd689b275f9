import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { Value } from '@bufbuild/protobuf/wkt'
import { expect } from 'bun:test'
import type {
  ProcessImageRequestSchema,
  TuneRequestSchema,
  TuneResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import {
  calls,
  chunks,
  commit,
  digestOf,
  only,
  present,
  refused,
  text,
  tiny,
  twoOutputs,
  unusedId,
  whole,
  type Scenario,
} from './bench.ts'
import { call, type Caller } from './grpcurl.ts'

type Asked = MessageInitShape<typeof ProcessImageRequestSchema>
type Said = MessageInitShape<typeof TuneRequestSchema>

const open = (image: string, recipe: string): Said => ({
  data: { case: 'open', value: { image, recipe: text(recipe) } },
})
const set = (sequence: number, place: string, value: number): Said => ({
  data: { case: 'change', value: { sequence: BigInt(sequence), set: { [place]: value } } },
})

const wish = (recipe: Value, output = ''): Asked => ({
  data: { case: 'metadata', value: { mediaType: 'image/jpeg', recipe, output } },
})
/** Chunks and commits are those of an upload. */
const sent = (bytes: Uint8Array): Asked[] => whole(bytes).slice(1) as Asked[]

/** What the picture is, and its bytes. */
async function pictureOf(who: Caller, said: readonly Asked[]) {
  const ending = await call(who, calls.processImage, said)
  expect([ending.code, ending.detail]).toEqual([0, ''])
  const [first, ...rest] = ending.answers.map(({ data }) => data)
  if (first?.case !== 'result') throw new Error('The first answer says nothing of the picture.')
  return { about: first.value, bytes: Buffer.concat(rest.map(({ value }) => value as Uint8Array)) }
}

/** Synchronous calls and tuning. All messages are sent at once: changes supersede each other, the last is answered. */
export const liveScenarios: Readonly<Record<string, Scenario>> = {
  async 'process-image'({ ann, photo }) {
    const file = Buffer.concat([photo, new Uint8Array(800_000)])
    const { about, bytes } = await pictureOf(ann, [wish(text('resize:200/format:webp')), ...sent(file)])
    expect(about).toMatchObject({
      format: 'webp',
      mediaType: 'image/webp',
      width: 200,
      height: 150,
      task: '',
    })
    expect(digestOf(bytes)).toBe(about.sha256)
  },
  async 'process-image-output'({ ann, photo }) {
    const { about } = await pictureOf(ann, [wish(twoOutputs, 'small'), ...sent(photo)])
    expect(about).toMatchObject({ format: 'webp', width: 64 })
    const ending = await call(ann, calls.processImage, [wish(twoOutputs), ...sent(photo)])
    refused(ending, 'INVALID_ARGUMENT', 'invalid_request', 'output')
  },
  async 'process-image-refused'({ ann, photo }) {
    const process = (...said: Asked[]) => call(ann, calls.processImage, said)
    const broken = photo.subarray(0, 2000)
    const wrong = commit(photo, { sha256: digestOf(broken) }) as Asked
    refused(await process(wish(tiny), ...(chunks(photo) as Asked[])), 'DATA_LOSS', 'truncated_upload')
    const other = await process(wish(tiny), ...(chunks(photo) as Asked[]), wrong)
    refused(other, 'INVALID_ARGUMENT', 'invalid_request', 'commit.sha256')
    const bad = await process(wish(text('blur:9999')), ...sent(photo))
    refused(bad, 'INVALID_ARGUMENT', 'invalid_recipe', 'steps[0].sigma')
    refused(await process(wish(tiny), ...sent(broken)), 'INVALID_ARGUMENT', 'corrupt_image')
    const liar = { ...ann, token: 'unknown-token' }
    const unknown = await call(liar, calls.processImage, [wish(tiny), ...sent(photo)])
    refused(unknown, 'UNAUTHENTICATED', 'unauthenticated')
  },
  async 'process-image-unary'({ ann, photo }) {
    const recipe = text('resize:200/format:webp')
    const { result, image } = only(await call(ann, calls.processImageUnary, { image: photo, recipe }))
    expect(result).toMatchObject({ format: 'webp', width: 200, task: '', sha256: digestOf(image) })
    const broken = await call(ann, calls.processImageUnary, { image: photo.subarray(0, 2000), recipe })
    refused(broken, 'INVALID_ARGUMENT', 'corrupt_image')
  },
  async tune({ ann, image, finish }) {
    const { id } = await image()
    const said: Said[] = [
      open(id, 'resize:320/blur:2'),
      set(1, 'steps[1].sigma', -4),
      set(2, 'steps[0].width', 90),
      { data: { case: 'apply', value: { sequence: 2n } } },
      { data: { case: 'change', value: { sequence: 3n, recipe: text('resize:50') } } },
    ]
    const { answers, code } = await call(ann, calls.tune, said)
    expect(code).toBe(0)
    const heard = answers.map(({ data }) => data)
    const opened = heard.find((one) => one.case === 'opened')?.value
    expect(opened).toMatchObject({ source: { width: 640, height: 480 } })
    const refusal = heard.find((one) => one.case === 'refused')?.value
    expect(refusal).toMatchObject({ sequence: 1n, fault: { field: 'steps[1].sigma' } })
    expect(heard.findLast((one) => one.case === 'preview')?.value).toMatchObject({ sequence: 3n, width: 50 })
    const applied = heard.find((one) => one.case === 'applied')?.value
    const { outputs } = await finish(present(applied?.task))
    expect(outputs).toMatchObject([{ width: 90, height: 68 }])
  },
  async 'tune-newest'({ ann, image }) {
    const changes = Array.from({ length: 300 }, (_, i) => set(i + 1, 'steps[0].sigma', 1 + i / 10))
    const { answers, code } = await call(ann, calls.tune, [open((await image()).id, 'blur:2'), ...changes])
    expect(code).toBe(0)
    const answered = answers.flatMap(sequenceOf)
    expect(answered.at(-1)).toBe(300)
    expect(answered.length).toBeLessThan(150)
    expect(answered).toEqual([...new Set(answered)].sort((a, b) => a - b))
  },
  async 'tune-refused'({ ann, image }) {
    const absent = await call(ann, calls.tune, open(unusedId(), 'blur:2'))
    refused(absent, 'NOT_FOUND', 'image_not_found')
    const wrong = await call(ann, calls.tune, open((await image()).id, 'blurr:2'))
    refused(wrong, 'INVALID_ARGUMENT', 'invalid_recipe')
  },
}

function sequenceOf({ data }: MessageShape<typeof TuneResponseSchema>): number[] {
  return data.case === 'preview' ? [Number(data.value.sequence)] : []
}
