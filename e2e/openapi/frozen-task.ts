import type { EventKind } from '@pixelflow/core/event'
import { childrenOf, waitForExit } from '@pixelflow/testkit/process'
import { followToEnd, type client } from '../client.ts'

type Client = ReturnType<typeof client>

/** Creates a task and waits until it is completed. */
export async function completeTask(api: Client, image: string, recipe: unknown): Promise<string> {
  const { id } = await api.submit(image, recipe)
  const end = await endOf(api, id)
  if (end !== 'completed') throw new Error(`Task ${id} ended as ${end} instead of completed.`)
  return id
}

/**
 * Creates a bulk task that stays running, for an actor with one worker: the worker is frozen before the task reaches it.
 *
 * @param actor process id of the only actor
 */
export async function startFrozenTask(api: Client, image: string, actor: number): Promise<string> {
  // A worker that is frozen while it starts would be replaced.
  await completeTask(api, image, 'resize:32')
  for (const pid of await childrenOf(actor)) process.kill(pid, 'SIGSTOP')
  const { id } = await api.submit(image, 'resize:32', 'bulk')
  for await (const { view } of api.events(id)) if (view.kind === 'fetched') return id
  throw new Error(`Task ${id} ended although the worker is frozen.`)
}

/** Kills the worker of a task in its only attempt, so that the task fails and leaves a dead letter. */
export async function failTask(api: Client, image: string, actor: number): Promise<string> {
  for (let tries = 0; tries < 10; tries += 1) {
    const id = await startFrozenTask(api, image, actor)
    const workers = await childrenOf(actor)
    for (const pid of workers) process.kill(pid, 'SIGKILL')
    await waitForExit(workers)
    // A task that has not reached its worker is given to the next one and completes.
    if ((await endOf(api, id)) === 'failed') return id
  }
  throw new Error('10 tasks completed although their workers were killed.')
}

async function endOf(api: Client, id: string): Promise<EventKind | undefined> {
  return (await followToEnd(() => api, id)).at(-1)?.view.kind
}
