import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '@pixelflow/core/fault'
import type { Session } from '@pixelflow/core/ports/sessions'
import { parseRecipe } from '@pixelflow/core/recipe/recipe'
import type { PreviewMessage } from '@pixelflow/core/tune/server-message'
import { previewOptions } from '@pixelflow/core/tune/client-message'
import {
  previewResponse,
  type PreviewResponse,
  type PreviewOpenRequest,
  type PreviewRequest,
} from '@pixelflow/core/tune/preview-request'
import { preview } from '../kinds/preview/preview-kind.ts'
import { createScratchQuota } from '../kinds/preview/scratch-quota.ts'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { openSandbox, type Sandbox } from '../sandbox/sandbox.ts'
import { openScratch, type Scratch } from '../sandbox/scratch.ts'
import { account, startActorCluster, type ActorCluster } from './actor-cluster.ts'

/** Sessions of previews over a real broker, held in this process with a real child. */
export interface PreviewHarness extends AsyncDisposable {
  readonly cluster: ActorCluster
  readonly scratch: Scratch
  readonly sandbox: Sandbox
  open(image: string, recipe: string, more?: Partial<PreviewOpenRequest>): Promise<Session>
}

export async function openPreviewHarness(): Promise<PreviewHarness> {
  await using parts = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-preview-'))
  parts.defer(() => rm(home, { recursive: true, force: true }))
  const cluster = parts.use(await startActorCluster())
  const scratch = parts.use(await openScratch(home))
  const sandbox = parts.use(
    openSandbox({
      command: [process.execPath, join(import.meta.dir, '../sandbox/worker-entry.ts')],
      env: { NODE_ENV: 'production' },
      cwd: home,
      startTimeoutMs: 30_000,
      children: 1,
      timeLimitMs: 10_000,
      maxRssBytes: 2 ** 30,
      maxCpuMs: 10_000,
      memory: createByteBudget(2 ** 40),
      circuitBreaker: { most: 100, withinMs: 60_000, restMs: 60_000 },
      recycleRssBytes: 2 ** 29,
      recycleAfter: 1000,
      restartPauseMs: 10,
      preemptAfterMs: 1000,
      tell: { lost: () => {}, resting: () => {}, preempted: () => {}, unstartable: () => {} },
    }),
  )
  await sandbox.ready(AbortSignal.timeout(30_000))
  const { images, sources: blobs, sessionHost, sessions } = cluster.adapters
  const scratchQuota = createScratchQuota(80 * 2 ** 20)
  const take = preview({ images, blobs, scratch, sandbox, maxPixels: 1e7, scratchQuota, idleTimeoutMs: 3000 })
  parts.use(sessionHost.serve('preview', { capacity: 4, handle: take }))
  const owned = parts.move()
  return {
    cluster,
    scratch,
    sandbox,
    open(image, recipe, more = {}) {
      const opening: PreviewOpenRequest = {
        account,
        image,
        preview: previewOptions.parse({}),
        sequence: 0,
        recipe: parseRecipe(recipe),
        output: 'default',
        ...more,
      }
      return sessions.open('preview', opening, AbortSignal.timeout(10_000))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface ReceivedMessage {
  readonly news: PreviewResponse
  readonly file: Uint8Array
}

export async function receive(session: Session): Promise<ReceivedMessage> {
  const frame = await session.next(AbortSignal.timeout(20_000))
  if (frame === null) throw new Error('the session has finished')
  return { news: previewResponse.parse(frame.head), file: frame.body }
}

/** Listens until the preview of a change is there. @throws Fault when it is refused. */
export async function receivePreview(
  session: Session,
  sequence: number,
): Promise<{ preview: PreviewMessage; file: Uint8Array }> {
  for (;;) {
    const { news, file } = await receive(session)
    if (news.type === 'preview' && news.sequence === sequence) return { preview: news, file }
    if (news.type === 'refused') throw Fault.from(news.fault)
  }
}

export function samplePreviewRequest(sequence: number, recipe: string, output = 'default'): PreviewRequest {
  return { sequence, recipe: parseRecipe(recipe), output }
}

/** What a promise fails with. @throws Error when it does not. */
export async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  return promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => Fault.of(error),
  )
}
