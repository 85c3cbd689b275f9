import type { TestGateway } from './test-gateway.ts'

/** Stores bytes as the default output of a task and completes the task, as an actor does. */
export async function completeTask(
  { adapters, advance }: Pick<TestGateway, 'adapters' | 'advance'>,
  task: string,
  bytes: Uint8Array,
): Promise<void> {
  const write = await adapters.results.begin()
  await write.write(bytes)
  const { info } = await write.commit(() => `local/${task}/main/default`, { mediaType: 'image/webp' })
  const format = { format: 'webp', mediaType: 'image/webp', width: 12, height: 34 } as const
  const outputs = [{ name: 'default', ...format, bytes: info.bytes, sha256: info.sha256 }]
  const endedAt = new Date().toISOString()
  await advance(task, 'completed', { status: 'completed', progress: 100, outputs, endedAt })
}
