import { pause } from '@pixelflow/core/pause'
import { PixelflowError } from '@pixelflow/client'
import {
  createImage,
  createLargeImage,
  recordExpectedResults,
  type ExpectedResults,
} from './expected-results.ts'
import { createTally, type LedgerEntry, type Tally } from './ledger.ts'
import { openGatewayClients, type GatewayClient } from './gateway-clients.ts'
import { runFollower } from './run-follower.ts'
import { createWithKey } from './create-with-key.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import type { Violations } from './violations.ts'
import type { Random } from './random.ts'

/** An account with its clients and its images. */
export interface TestAccount {
  readonly account: string
  readonly clients: readonly GatewayClient[]
  readonly expectedResults: readonly ExpectedResults[]
}

export interface Load {
  readonly entries: LedgerEntry[]
  /** Calls that were refused or not answered, by call and reason. */
  readonly refused: Tally
  /** Longest time until a call with an idempotency key was answered, in milliseconds. */
  readonly slowestAnswerMs: number
}

/** Opens the clients and records the expected results. Call it before any fault is injected. */
export async function createAccounts(
  cluster: ChaosCluster,
  scope: AsyncDisposableStack,
): Promise<TestAccount[]> {
  return Promise.all(
    cluster.accounts.map(async (account, n) => {
      const clients = openGatewayClients(cluster, account, scope)
      const first = clients[0] as GatewayClient
      const expectedResults = [
        await recordExpectedResults(first.client, 2 * n + 1),
        await recordExpectedResults(first.client, 2 * n + 2),
      ]
      return { account, clients, expectedResults }
    }),
  )
}

export interface LoadRate {
  /** Tasks requested per second, whether accepted or not. */
  readonly perSecond: number
  /** Maximum number of unfinished tasks; at this number no further task is requested. */
  readonly maxConcurrent: number
}

/** Creates tasks until `signal` aborts. Followers continue until `deadline` aborts. */
export async function startLoad(
  cluster: ChaosCluster,
  testAccounts: readonly TestAccount[],
  rate: LoadRate,
  random: Random,
  { signal, deadline, violations }: { signal: AbortSignal; deadline: AbortSignal; violations: Violations },
): Promise<Load> {
  const entries: LedgerEntry[] = []
  const refused = createTally()
  let slowestAnswerMs = 0
  const recordAnswer = (ms: number) => void (slowestAnswerMs = Math.max(slowestAnswerMs, ms))
  const active = new Set<Promise<void>>()
  for (let n = 0; !signal.aborted; n += 1) {
    const running: Promise<void> = runTask(n, random.fork()).finally(() => active.delete(running))
    active.add(running)
    while (active.size >= rate.maxConcurrent && !signal.aborted) await pause(20, signal)
    await pause((1000 / rate.perSecond) * random.between(0.5, 1.5), signal)
  }
  await Promise.all(active)
  return { entries, refused, slowestAnswerMs: Math.round(slowestAnswerMs) }

  async function runTask(n: number, random: Random): Promise<void> {
    const { account, clients, expectedResults } = random.pick(testAccounts)
    const results = random.pick(expectedResults)
    const attempt = async <T>(
      call: string,
      send: (gatewayClient: GatewayClient) => Promise<T>,
    ): Promise<T | undefined> => {
      try {
        return await send(random.pick(clients))
      } catch (thrown) {
        refused.add(`${call} ${reasonOf(thrown)}`)
        return undefined
      }
    }

    const hasOwnImage = random.chance(0.1)
    const image = hasOwnImage
      ? (
          await attempt('upload', async ({ client }) =>
            client.upload(await (random.chance(0.3) ? createLargeImage : createImage)(1000 + n)),
          )
        )?.id
      : results.image
    if (image === undefined) return
    const recipeCase = random.pick(results.cases)
    const lane = random.chance(0.3) ? 'bulk' : 'interactive'
    if (random.chance(0.05)) {
      // The gateway may have accepted it all the same.
      const disconnected = AbortSignal.timeout(random.between(1, 30))
      await attempt('abandoned', ({ client }) =>
        client.createTask(image, recipeCase.recipe, { lane, signal: disconnected }),
      )
      return
    }
    const { recipe } = recipeCase
    const task = random.chance(0.3)
      ? await createWithKey(
          { account, key: `${account}-${n}`, image, recipe, lane },
          { cluster, random: random.fork(), violations, refused, recordAnswer, deadline },
        )
      : await attempt('create', ({ client }) => client.createTask(image, recipe, { lane }))
    if (task === undefined) return
    const { id } = task
    const entry: LedgerEntry = {
      account,
      task: id,
      recipeCase,
      hasOwnImage,
      cancelled: false,
      deleteRequested: false,
      deleted: false,
      followers: [],
    }
    entries.push(entry)
    const followerCount = random.chance(0.3) ? 2 : 1
    for (let f = 0; f < followerCount; f += 1) {
      entry.followers.push(
        runFollower({
          clients,
          task: id,
          random: random.fork(),
          signal: deadline,
          mayBeDeleted: () => entry.deleteRequested,
        }),
      )
    }
    const choice = random.next()
    if (choice < 0.06) {
      await pause(random.between(0, 150), signal)
      const cancelled = await attempt('cancel', ({ client }) => client.cancel(id))
      entry.cancelled = cancelled?.status === 'cancelled'
    } else if (choice < 0.12) {
      await pause(random.between(0, 1500), signal)
      entry.deleteRequested = true
      const deleted = await attempt('delete', async ({ client }) => {
        await client.deleteTask(id)
        return true
      })
      entry.deleted = deleted === true
    }
    if (hasOwnImage && random.chance(0.5)) {
      await Promise.all(entry.followers)
      await attempt('delete image', async ({ client }) => client.deleteImage(image))
    }
    await Promise.all(entry.followers)
  }
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof PixelflowError) return thrown.code
  return thrown instanceof Error ? thrown.name : 'unknown'
}
