import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { Value } from '@bufbuild/protobuf/wkt'
import { expect } from 'bun:test'
import type {
  ProcessImageRequestSchema,
  TuneRequestSchema,
  TuneResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sha256Of, expectResult, required, expectError, unusedId } from './expect-result.ts'
import { createRecipeValue, quickRecipe, twoOutputsRecipe } from './create-recipe-value.ts'
import { methods, type Scenario } from './scenario-context.ts'
import { chunkMessages, commitMessage, createUpload } from './create-upload.ts'
import { callGrpcurl, type GrpcurlCaller } from './call-grpcurl.ts'

type ProcessMessage = MessageInitShape<typeof ProcessImageRequestSchema>
type TuneMessage = MessageInitShape<typeof TuneRequestSchema>

const openMessage = (image: string, recipe: string): TuneMessage => ({
  data: { case: 'open', value: { image, recipe: createRecipeValue(recipe) } },
})
const changeMessage = (sequence: number, path: string, value: number): TuneMessage => ({
  data: { case: 'change', value: { sequence: BigInt(sequence), set: { [path]: value } } },
})

const processMetadata = (recipe: Value, output = ''): ProcessMessage => ({
  data: { case: 'metadata', value: { mediaType: 'image/jpeg', recipe, output } },
})
/** The chunks and the commit, which are those of an upload. */
const processBody = (bytes: Uint8Array): ProcessMessage[] => createUpload(bytes).slice(1) as ProcessMessage[]

/** Processes an image; returns the `result` message and the bytes. */
async function processImage(who: GrpcurlCaller, messages: readonly ProcessMessage[]) {
  const result = await callGrpcurl(who, methods.processImage, messages)
  expect([result.code, result.detail]).toEqual([0, ''])
  const [first, ...rest] = result.responses.map(({ data }) => data)
  if (first?.case !== 'result') throw new Error('The first response must be a result message.')
  return { image: first.value, bytes: Buffer.concat(rest.map(({ value }) => value as Uint8Array)) }
}

/** Synchronous calls and tuning. A tuning scenario sends all messages at once, so only the last change needs a preview. */
export const liveScenarios: Readonly<Record<string, Scenario>> = {
  async 'process-image'({ ann, photo }) {
    const file = Buffer.concat([photo, new Uint8Array(800_000)])
    const { image, bytes } = await processImage(ann, [
      processMetadata(createRecipeValue('resize:200/format:webp')),
      ...processBody(file),
    ])
    expect(image).toMatchObject({
      format: 'webp',
      mediaType: 'image/webp',
      width: 200,
      height: 150,
      task: '',
    })
    expect(sha256Of(bytes)).toBe(image.sha256)
  },
  async 'process-image-output'({ ann, photo }) {
    const { image } = await processImage(ann, [
      processMetadata(twoOutputsRecipe, 'small'),
      ...processBody(photo),
    ])
    expect(image).toMatchObject({ format: 'webp', width: 64 })
    const result = await callGrpcurl(ann, methods.processImage, [
      processMetadata(twoOutputsRecipe),
      ...processBody(photo),
    ])
    expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'output')
  },
  async 'process-image-refused'({ ann, photo }) {
    const process = (...messages: ProcessMessage[]) => callGrpcurl(ann, methods.processImage, messages)
    const broken = photo.subarray(0, 2000)
    const wrong = commitMessage(photo, { sha256: sha256Of(broken) }) as ProcessMessage
    expectError(
      await process(processMetadata(quickRecipe), ...(chunkMessages(photo) as ProcessMessage[])),
      'DATA_LOSS',
      'TRUNCATED_UPLOAD',
    )
    const other = await process(
      processMetadata(quickRecipe),
      ...(chunkMessages(photo) as ProcessMessage[]),
      wrong,
    )
    expectError(other, 'INVALID_ARGUMENT', 'INVALID_REQUEST', 'commit.sha256')
    const bad = await process(processMetadata(createRecipeValue('blur:9999')), ...processBody(photo))
    expectError(bad, 'INVALID_ARGUMENT', 'INVALID_RECIPE', 'steps[0].sigma')
    expectError(
      await process(processMetadata(quickRecipe), ...processBody(broken)),
      'INVALID_ARGUMENT',
      'CORRUPT_IMAGE',
    )
    const unknownToken = { ...ann, token: 'unknown-token' }
    const unknown = await callGrpcurl(unknownToken, methods.processImage, [
      processMetadata(quickRecipe),
      ...processBody(photo),
    ])
    expectError(unknown, 'UNAUTHENTICATED', 'UNAUTHENTICATED')
  },
  async 'process-image-unary'({ ann, photo }) {
    const recipe = createRecipeValue('resize:200/format:webp')
    const { result, image } = expectResult(
      await callGrpcurl(ann, methods.processImageUnary, { image: photo, recipe }),
    )
    expect(result).toMatchObject({ format: 'webp', width: 200, task: '', sha256: sha256Of(image) })
    const broken = await callGrpcurl(ann, methods.processImageUnary, {
      image: photo.subarray(0, 2000),
      recipe,
    })
    expectError(broken, 'INVALID_ARGUMENT', 'CORRUPT_IMAGE')
  },
  async tune({ ann, image, finish }) {
    const { id } = await image()
    const messages: TuneMessage[] = [
      openMessage(id, 'resize:320/blur:2'),
      changeMessage(1, 'steps[1].sigma', -4),
      changeMessage(2, 'steps[0].width', 90),
      { data: { case: 'apply', value: { sequence: 2n } } },
      { data: { case: 'change', value: { sequence: 3n, recipe: createRecipeValue('resize:50') } } },
    ]
    const { responses, code } = await callGrpcurl(ann, methods.tune, messages)
    expect(code).toBe(0)
    const data = responses.map(({ data }) => data)
    const opened = data.find((one) => one.case === 'opened')?.value
    expect(opened).toMatchObject({ source: { width: 640, height: 480 } })
    const refusal = data.find((one) => one.case === 'refused')?.value
    expect(refusal).toMatchObject({ sequence: 1n, fault: { field: 'steps[1].sigma' } })
    expect(data.findLast((one) => one.case === 'preview')?.value).toMatchObject({ sequence: 3n, width: 50 })
    const applied = data.find((one) => one.case === 'applied')?.value
    const { outputs } = await finish(required(applied?.task))
    expect(outputs).toMatchObject([{ width: 90, height: 68 }])
  },
  async 'tune-newest'({ ann, image }) {
    const changes = Array.from({ length: 300 }, (_, i) => changeMessage(i + 1, 'steps[0].sigma', 1 + i / 10))
    const { responses, code } = await callGrpcurl(ann, methods.tune, [
      openMessage((await image()).id, 'blur:2'),
      ...changes,
    ])
    expect(code).toBe(0)
    const sequences = responses.flatMap(sequenceOf)
    expect(sequences.at(-1)).toBe(300)
    expect(sequences.length).toBeLessThan(150)
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b))
  },
  async 'tune-refused'({ ann, image }) {
    const absent = await callGrpcurl(ann, methods.tune, openMessage(unusedId(), 'blur:2'))
    expectError(absent, 'NOT_FOUND', 'IMAGE_NOT_FOUND')
    const wrong = await callGrpcurl(ann, methods.tune, openMessage((await image()).id, 'blurr:2'))
    expectError(wrong, 'INVALID_ARGUMENT', 'INVALID_RECIPE')
  },
}

function sequenceOf({ data }: MessageShape<typeof TuneResponseSchema>): number[] {
  return data.case === 'preview' ? [Number(data.value.sequence)] : []
}
