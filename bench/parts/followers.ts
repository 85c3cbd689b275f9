import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack } from '@pixelflow/testkit/stack'
import { measureDelivery, type EventDelivery } from '../followers/measure-delivery.ts'
import { processTree } from '../measure-cpu.ts'
import { openTaskWriter } from '../tasks/open-task-writer.ts'
import type { Part } from './part.ts'

const seconds = 15

/** Measures how long an event takes from its append to clients that follow its task by server-sent events. */
export const followersPart: Part = async ({ options, print }) => {
  await using scope = new AsyncDisposableStack()
  const stack = scope.use(await startStack({ env: { PIXELFLOW_LOG_LEVEL: 'info' } }))
  const gateway = await stack.gateway()
  const writer = scope.use(await openTaskWriter(stack.nats))
  const folder = await mkdtemp(join(tmpdir(), 'pixelflow-followers-'))
  scope.defer(() => rm(folder, { recursive: true, force: true }))
  const servers = { gateway: processTree(gateway.pid), 'nats-server': processTree(stack.nats.pid) }

  const measure = async (tasks: number, eventsPerSecond: number): Promise<EventDelivery> => {
    const delivery = await measureDelivery({
      url: gateway.url,
      writer,
      followers: options.followers,
      tasks,
      eventsPerSecond,
      seconds: options.isQuick ? 3 : seconds,
      file: join(folder, 'tasks.json'),
      servers,
    })
    const cpu = Object.entries(delivery.cpuUs).map(([name, us]) => `${name} ${us.toFixed(0)}`)
    print(
      `${delivery.followers} followers of ${tasks} ${tasks === 1 ? 'task' : 'tasks'}, ${eventsPerSecond} events/s: ` +
        `p50 ${delivery.p50Ms.toFixed(2)} ms, p99 ${delivery.p99Ms.toFixed(2)} ms; CPU µs of a delivery: ${cpu.join(', ')}`,
    )
    return delivery
  }
  const ownTasks = await measure(options.followers, 200)
  const oneTask = await measure(1, 4)
  print('p99 with 1,000 followers: at most 5 ms, goal 2; with 5,000: at most 25 ms, goal 10')
  return { followers: { ownTasks, oneTask } }
}
