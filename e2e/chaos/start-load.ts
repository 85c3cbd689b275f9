import { pause } from '@pixelflow/core/pause'
import { largePicture, learn, picture, reasonOf, type Subject } from './expected-results.ts'
import { createTally, type Entry, type Tally } from './ledger.ts'
import { gatewayClientsOf, type GatewayClient } from './gateway-clients.ts'
import { follow } from './follow.ts'
import { createWithKey } from './create-with-key.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import type { Wrongs } from './inspect.ts'
import type { Random } from './random.ts'

/** An account with its ways in and its pictures. */
export interface TestAccount {
  readonly account: string
  readonly clients: readonly GatewayClient[]
  readonly subjects: readonly Subject[]
}

export interface Load {
  readonly entries: Entry[]
  /** Calls that were refused or never answered, by what and why. */
  readonly refused: Tally
  /** The longest that a call with an idempotency key was answered after, in milliseconds. */
  readonly slowestAnswerMs: number
}

/** Made while all is calm. */
export async function createAccounts(
  cluster: ChaosCluster,
  scope: AsyncDisposableStack,
): Promise<TestAccount[]> {
  return Promise.all(
    cluster.accounts.map(async (account, n) => {
      const clients = gatewayClientsOf(cluster, account, scope)
      const first = clients[0] as GatewayClient
      const subjects = [await learn(first.client, 2 * n + 1), await learn(first.client, 2 * n + 2)]
      return { account, clients, subjects }
    }),
  )
}

export interface Pace {
  /** Tasks requested per second, whether or not they are accepted. */
  readonly perSecond: number
  /** Tasks under way at most; beyond it nothing new is asked for. */
  readonly most: number
}

/** Creates tasks until `signal` aborts. Followers continue until `deadline` aborts. */
export async function startLoad(
  cluster: ChaosCluster,
  testAccounts: readonly TestAccount[],
  pace: Pace,
  random: Random,
  { signal, deadline, wrongs }: { signal: AbortSignal; deadline: AbortSignal; wrongs: Wrongs },
): Promise<Load> {
  const entries: Entry[] = []
  const refused = createTally()
  let slowestAnswerMs = 0
  const answered = (ms: number) => void (slowestAnswerMs = Math.max(slowestAnswerMs, ms))
  const under = new Set<Promise<void>>()
  for (let n = 0; !signal.aborted; n += 1) {
    const running: Promise<void> = one(n, random.fork()).finally(() => under.delete(running))
    under.add(running)
    while (under.size >= pace.most && !signal.aborted) await pause(20, signal)
    await pause((1000 / pace.perSecond) * random.between(0.5, 1.5), signal)
  }
  await Promise.all(under)
  return { entries, refused, slowestAnswerMs: Math.round(slowestAnswerMs) }

  async function one(n: number, random: Random): Promise<void> {
    const { account, clients, subjects } = random.pick(testAccounts)
    const subject = random.pick(subjects)
    const attempt = async <T>(
      what: string,
      act: (gatewayClient: GatewayClient) => Promise<T>,
    ): Promise<T | undefined> => {
      try {
        return await act(random.pick(clients))
      } catch (thrown) {
        refused.add(`${what} ${reasonOf(thrown)}`)
        return undefined
      }
    }

    const ownImage = random.chance(0.1)
    const image = ownImage
      ? (
          await attempt('upload', async ({ client }) =>
            client.upload(await (random.chance(0.3) ? largePicture : picture)(1000 + n)),
          )
        )?.id
      : subject.image
    if (image === undefined) return
    const work = random.pick(subject.works)
    const lane = random.chance(0.3) ? 'bulk' : 'interactive'
    if (random.chance(0.05)) {
      // Unknown whether it was accepted.
      const gone = AbortSignal.timeout(random.between(1, 30))
      await attempt('abandoned', ({ client }) =>
        client.createTask(image, work.recipe, { lane, signal: gone }),
      )
      return
    }
    const { recipe } = work
    const task = random.chance(0.3)
      ? await createWithKey(
          { account, key: `${account}-${n}`, image, recipe, lane },
          { cluster, random: random.fork(), wrongs, refused, answered, deadline },
        )
      : await attempt('create', ({ client }) => client.createTask(image, recipe, { lane }))
    if (task === undefined) return
    const { id } = task
    const entry: Entry = {
      account,
      task: id,
      work,
      ownImage,
      cancelled: false,
      deleteAsked: false,
      deleted: false,
      followers: [],
    }
    entries.push(entry)
    const followers = random.chance(0.3) ? 2 : 1
    for (let f = 0; f < followers; f += 1) {
      const mayBeGone = () => entry.deleteAsked
      entry.followers.push(follow({ clients, task: id, random: random.fork(), signal: deadline, mayBeGone }))
    }
    const whim = random.next()
    if (whim < 0.06) {
      await pause(random.between(0, 150), signal)
      const told = await attempt('cancel', ({ client }) => client.cancel(id))
      entry.cancelled = told?.status === 'cancelled'
    } else if (whim < 0.12) {
      await pause(random.between(0, 1500), signal)
      entry.deleteAsked = true
      const told = await attempt('delete', async ({ client }) => {
        await client.deleteTask(id)
        return true
      })
      entry.deleted = told === true
    }
    if (ownImage && random.chance(0.5)) {
      await Promise.all(entry.followers)
      await attempt('delete image', async ({ client }) => client.deleteImage(image))
    }
    await Promise.all(entry.followers)
  }
}
