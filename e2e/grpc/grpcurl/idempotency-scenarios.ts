import { expect } from 'bun:test'
import { TaskStatus } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { expectResult, required, expectError, unusedId } from './expect-result.ts'
import { slowRecipe } from './create-recipe-value.ts'
import { methods, type Scenario } from './scenario-context.ts'
import { callGrpcurl } from './call-grpcurl.ts'

const positionKey = 'pixelflow-position'

/** Idempotency keys and positions. */
export const idempotencyScenarios: Readonly<Record<string, Scenario>> = {
  async 'retry-key'({ ann, completedTask, finish }) {
    const first = await completedTask()
    const headers = { 'idempotency-key': unusedId() }
    const retry = (id: string) => callGrpcurl(ann, methods.retryTask, { id }, { headers })
    const made = required(expectResult(await retry(first.id)).task)
    expect(made).toMatchObject({ retryOf: first.id })
    expect(expectResult(await retry(first.id)).task).toMatchObject({ id: made.id, retryOf: first.id })
    expect(await finish(made)).toMatchObject({ status: TaskStatus.COMPLETED })
    expectError(await retry(made.id), 'FAILED_PRECONDITION', 'IDEMPOTENCY_KEY_REUSED')
    expectError(await callGrpcurl(ann, methods.retryTask, { id: unusedId() }), 'NOT_FOUND', 'TASK_NOT_FOUND')
  },
  async position({ ann, image }) {
    const request = { image: (await image()).id, recipe: slowRecipe }
    const made = await callGrpcurl(ann, methods.createTask, request, { verbose: true })
    const { id } = required(expectResult(made).task)
    const position = readPositionHeader(made.text)
    const known = { headers: { [positionKey]: position } }
    const { items } = expectResult(await callGrpcurl(ann, methods.listTasks, { limit: 200 }, known))
    expect(items.map((one) => one.id)).toContain(id)
    expect(expectResult(await callGrpcurl(ann, methods.getTask, { id }, known)).task).toMatchObject({
      image: request.image,
    })
    expect(
      readPositionHeader((await callGrpcurl(ann, methods.cancelTask, { id }, { verbose: true })).text),
    ).not.toBe(position)
    for (const wrong of ['!', `zzzzzzz.${position.split('.')[1]}`]) {
      const result = await callGrpcurl(ann, methods.listTasks, {}, { headers: { [positionKey]: wrong } })
      expectError(result, 'INVALID_ARGUMENT', 'INVALID_REQUEST', positionKey)
    }
  },
}

function readPositionHeader(text: string): string {
  return required(new RegExp(`^${positionKey}: (\\S+)$`, 'm').exec(text)?.[1])
}
