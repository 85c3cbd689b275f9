import { startStack } from '@pixelflow/testkit/stack'
import { client } from '../client.ts'
import { failTask, startFrozenTask } from './frozen-task.ts'
import { completeTasks, seedImage, seedValues, type SeededValues } from './seed-values.ts'

/** A running gateway with resources of every kind. */
export interface FuzzTarget extends AsyncDisposable {
  readonly url: string
  /** A token with the scope `admin`. */
  readonly token: string
  readonly values: SeededValues
  /** The log of the gateway, in lines. */
  readonly log: readonly string[]
}

/**
 * Starts a broker, a gateway that requires tokens, and two actors, and creates resources. The first actor holds a bulk task
 * with a frozen worker, and takes no others. The account may run only one bulk task, so its further ones stay queued.
 */
export async function startFuzzTarget(): Promise<FuzzTarget> {
  await using scope = new AsyncDisposableStack()
  const token = crypto.randomUUID()
  const stack = scope.use(
    await startStack({
      env: {
        PIXELFLOW_API_TOKENS: `ann:${token}:admin`,
        PIXELFLOW_SSE_HEARTBEAT_INTERVAL: '100ms',
        PIXELFLOW_MAX_RUNNING_PER_ACCOUNT: '1',
        PIXELFLOW_ACTOR_CONCURRENCY: '1',
      },
    }),
  )
  const gateway = await stack.gateway()
  const api = client(gateway.url, token)
  let seed = 0
  const upload = async () => (await api.upload(await seedImage((seed += 1)))).id
  const images = [await upload(), await upload(), await upload()] as const
  const [image] = images

  const first = await stack.actor({
    env: {
      PIXELFLOW_LIVE_CONCURRENCY: '0',
      PIXELFLOW_TASK_ATTEMPTS: '1',
      PIXELFLOW_TASK_TIMEOUT: '1d',
      PIXELFLOW_DRAIN_TIMEOUT: '1h',
    },
  })
  // Created first: once the worker is frozen, tasks that are moved to the bulk lane do not run.
  const completed = await completeTasks(api, image)
  const fail = () => failTask(api, image, first.pid)
  const failed = [await fail(), await fail(), await fail(), await fail()] as const
  const running = await startFrozenTask(api, image, first.pid)
  // A stopping actor takes no other task. It would wait an hour for this one.
  first.signal('SIGTERM')
  scope.defer(() => first.signal('SIGKILL'))
  await stack.actor()

  const values = await seedValues(api, { upload, images, completed, failed, running })
  const owned = scope.move()
  return {
    url: gateway.url,
    token,
    values,
    log: gateway.lines,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
