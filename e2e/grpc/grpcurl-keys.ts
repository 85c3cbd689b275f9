import { expect } from 'bun:test'
import { TaskStatus } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { calls, only, present, refused, slow, unusedId, type Scenario } from './bench.ts'
import { call } from './grpcurl.ts'

const positionKey = 'pixelflow-position'

/** Calls that are made again, and reads of what was written. */
export const keyScenarios: Readonly<Record<string, Scenario>> = {
  async 'retry-key'({ ann, done, finish }) {
    const first = await done()
    const headers = { 'idempotency-key': unusedId() }
    const retry = (id: string) => call(ann, calls.retryTask, { id }, { headers })
    const made = present(only(await retry(first.id)).task)
    expect(made).toMatchObject({ retryOf: first.id })
    expect(only(await retry(first.id)).task).toMatchObject({ id: made.id, retryOf: first.id })
    expect(await finish(made)).toMatchObject({ status: TaskStatus.COMPLETED })
    refused(await retry(made.id), 'FAILED_PRECONDITION', 'idempotency_key_reused')
    refused(await call(ann, calls.retryTask, { id: unusedId() }), 'NOT_FOUND', 'task_not_found')
  },
  async position({ ann, image }) {
    const request = { image: (await image()).id, recipe: slow }
    const made = await call(ann, calls.createTask, request, { verbose: true })
    const { id } = present(only(made).task)
    const position = readPositionHeader(made.text)
    const known = { headers: { [positionKey]: position } }
    const { items } = only(await call(ann, calls.listTasks, { limit: 200 }, known))
    expect(items.map((one) => one.id)).toContain(id)
    expect(only(await call(ann, calls.getTask, { id }, known)).task).toMatchObject({ image: request.image })
    expect(readPositionHeader((await call(ann, calls.cancelTask, { id }, { verbose: true })).text)).not.toBe(
      position,
    )
    for (const wrong of ['!', `zzzzzzz.${position.split('.')[1]}`]) {
      const ending = await call(ann, calls.listTasks, {}, { headers: { [positionKey]: wrong } })
      refused(ending, 'INVALID_ARGUMENT', 'invalid_request', positionKey)
    }
  },
}

function readPositionHeader(text: string): string {
  return present(new RegExp(`^${positionKey}: (\\S+)$`, 'm').exec(text)?.[1])
}
