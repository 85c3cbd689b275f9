import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { expect } from 'bun:test'
import type { TuneRequestSchema, TuneResponseSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { calls, present, refused, text, unusedId, type Scenario } from './bench.ts'
import { call } from './grpcurl.ts'

type Said = MessageInitShape<typeof TuneRequestSchema>

const open = (image: string, recipe: string): Said => ({
  data: { case: 'open', value: { image, recipe: text(recipe) } },
})
const set = (sequence: number, place: string, value: number): Said => ({
  data: { case: 'change', value: { sequence: BigInt(sequence), set: { [place]: value } } },
})

/** Pictures that somebody waits for. All is said at once here: changes overtake each other, the last is answered. */
export const liveScenarios: Readonly<Record<string, Scenario>> = {
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
