import { createSharedFileFinder } from '@pixelflow/platform/shared-files/shared-file-finder'
import { noSharedCache } from '@pixelflow/platform/shared-cache/no-shared-cache'
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
import { readSettings } from '@pixelflow/platform/config/read-settings'
import { actorSettings } from '../config.ts'
import { previewKind } from '../kinds/preview/preview-kind.ts'
import { createByteBudget } from '@pixelflow/core/byte-budget'
import { openSandbox, type Sandbox } from '../sandbox/sandbox.ts'
import { openScratch, type Scratch } from '../sandbox/scratch.ts'
import { noHooks } from './no-hooks.ts'
import { account, startActorCluster, type ActorCluster } from './actor-cluster.ts'

/** Preview sessions over a real broker, served in this process with a real worker. */
export interface PreviewHarness extends AsyncDisposable {
  readonly cluster: ActorCluster
  readonly scratch: Scratch
  readonly sandbox: Sandbox
  open(image: string, recipe: string, more?: Partial<PreviewOpenRequest>): Promise<PreviewSession>
}

export interface PreviewSession extends AsyncDisposable {
  receive(): Promise<{ message: PreviewResponse; file: Uint8Array }>
  /** Receives messages up to the preview of a request. @throws Fault when a request is refused. */
  receivePreview(sequence: number): Promise<{ preview: PreviewMessage; file: Uint8Array }>
  /** Receives messages up to the answer to a request: its preview or its refusal. */
  receiveAnswer(sequence: number): Promise<PreviewResponse>
  /** Requests the preview of a recipe. */
  send(sequence: number, recipe: string): Promise<void>
  finish(): Promise<void>
  /** The next frame; null at the end of the session. */
  next: Session['next']
}

export async function openPreviewHarness(): Promise<PreviewHarness> {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-preview-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const cluster = scope.use(await startActorCluster())
  const scratch = scope.use(await openScratch(home))
  const sandbox = scope.use(
    openSandbox({
      command: [process.execPath, join(import.meta.dir, '../sandbox/worker-entry.ts')],
      env: { NODE_ENV: 'production' },
      cwd: home,
      startTimeoutMs: 30_000,
      workers: 1,
      warmWorkers: 1,
      spareAfterMs: 20,
      idleWorkerMs: 60_000,
      timeLimitMs: 10_000,
      maxRssBytes: 2 ** 30,
      maxCpuMs: 10_000,
      memory: createByteBudget(2 ** 40),
      circuitBreaker: { maxCrashes: 100, windowMs: 60_000, openMs: 60_000 },
      recycleRssBytes: 2 ** 29,
      recycleAfter: 1000,
      restartPauseMs: 10,
      preemptAfterMs: 1000,
      hooks: noHooks,
    }),
  )
  await sandbox.ready(AbortSignal.timeout(30_000))
  const { images, sources, results, sessionHost, sessions } = cluster.adapters
  const settings = readSettings(actorSettings, {
    PIXELFLOW_MAX_PIXELS: '10000000',
    PIXELFLOW_TUNE_SCRATCH: '80MiB',
    PIXELFLOW_MAX_TUNE_SESSIONS: '4',
    PIXELFLOW_TUNE_IDLE_TIMEOUT: '3s',
  })
  const context = {
    images,
    sources,
    results,
    sharedCache: noSharedCache,
    sharedFiles: createSharedFileFinder(undefined),
    scratch,
    sandbox,
    settings,
    log: cluster.log,
  }
  scope.use(sessionHost.serve('preview', previewKind.createSessionHandler(context)))
  const owned = scope.move()
  return {
    cluster,
    scratch,
    sandbox,
    async open(image, recipe, more = {}) {
      const opening: PreviewOpenRequest = {
        account,
        image,
        preview: previewOptions.parse({}),
        sequence: 0,
        recipe: parseRecipe(recipe),
        output: 'default',
        ...more,
      }
      return wrapSession(await sessions.open('preview', opening, AbortSignal.timeout(10_000)))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The test's end of a session. */
function wrapSession(session: Session): PreviewSession {
  const receive = async (signal = AbortSignal.timeout(20_000)) => {
    const frame = await session.next(signal)
    if (frame === null) throw new Error('the session ended without a message')
    return { message: previewResponse.parse(frame.head), file: frame.body }
  }
  return {
    receive,
    async receivePreview(sequence) {
      for (const timeout = AbortSignal.timeout(20_000); ;) {
        const { message, file } = await receive(timeout)
        if (message.type === 'preview' && message.sequence === sequence) return { preview: message, file }
        if (message.type === 'refused') throw Fault.from(message.fault)
      }
    },
    async receiveAnswer(sequence) {
      for (const timeout = AbortSignal.timeout(20_000); ;) {
        const { message } = await receive(timeout)
        if (message.type !== 'opened' && message.sequence === sequence) return message
      }
    },
    send: (sequence, recipe) =>
      session.send({ sequence, recipe: parseRecipe(recipe), output: 'default' } satisfies PreviewRequest),
    finish: () => session.finish(),
    next: (signal) => session.next(signal),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
