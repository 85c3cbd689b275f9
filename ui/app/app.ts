import { computed, type ReadonlySignal } from '@preact/signals'
import { openHttp, PixelflowError, type Client } from '@pixelflow/client'
import { keyOf } from '../recipe/check-draft.ts'
import { createAlerts, type Alerts } from './alerts.ts'
import { createFileNames } from './file-names.ts'
import { createLive, type Live } from './live.ts'
import { createRecent, type Recent } from './recent.ts'
import { createRecipes, type Recipes } from './recipe.ts'
import { createRoute } from './route.ts'
import { createRun, type Run } from './run.ts'
import { createServer, type Server } from './server.ts'
import { createSession, type Session } from './session.ts'
import { createSources, measure, type Sources } from './source.ts'
import { createTheme, type Theme } from './theme.ts'
import { createUploads, type Uploads } from './uploads.ts'

/** The initial recipe: useful and visible for nearly every image. */
const firstRecipe = 'resize:1200/format:webp'

/** Polling interval for active tasks without an event stream, in milliseconds. */
const refreshEveryMs = 1500

/** The state and actions of the page; components read its signals and call its functions. */
export interface App {
  readonly client: Client
  readonly session: Session
  readonly server: Server
  readonly alerts: Alerts
  readonly sources: Sources
  readonly recipes: Recipes
  readonly uploads: Uploads
  readonly run: Run
  readonly live: Live
  readonly recent: Recent
  readonly theme: Theme
  readonly canRun: ReadonlySignal<boolean>
  /** Whether the current task was created with the current recipe. */
  readonly isSettled: ReadonlySignal<boolean>
  /** Reads everything from the server again after a connection failure. */
  begin(): void
  pick(files: readonly File[]): void
  start(): void
  cancel(): void
  open(taskId: string): void
  remove(taskId: string): void
  /** Clears the current image; a running task continues on the server. */
  clear(): void
}

export function createApp(page: Window): App {
  const session = createSession(page.sessionStorage)
  const client = openHttp({ token: session })
  const server = createServer(client, session)
  const alerts = createAlerts()
  const sources = createSources(client, server.settings, createFileNames(page.localStorage))
  const recipes = createRecipes(server, firstRecipe)
  const recent = createRecent(client)
  const route = createRoute(page)
  const uploads = createUploads(client, sources)
  const run = createRun(client, sources, uploads, {
    onTask(task) {
      recent.note(task)
      route.show(task.id)
    },
    onDeleted: () => route.show(null),
    onFailure({ field, detail }) {
      if (field !== undefined) recipes.mark(field, detail)
    },
  })
  const isSettled = computed(() => {
    const { value: task } = run.task
    if (task === null || task.status === 'failed' || task.status === 'cancelled') return false
    return recipes.ready.value?.key === keyOf(task.recipe)
  })
  const live = createLive({
    client,
    sources,
    uploads,
    recipes,
    session,
    isSettled,
    draw: measure,
    page,
    guard: alerts.guard,
  })
  let opening = new AbortController()
  let begun = 0

  function leave(): AbortSignal {
    opening.abort()
    opening = new AbortController()
    run.reset()
    return opening.signal
  }

  function clearTable(): void {
    sources.clear()
    void uploads.discard()
  }

  async function open(taskId: string): Promise<void> {
    const signal = leave()
    route.show(taskId)
    try {
      const task = await client.task(taskId, { signal })
      recipes.take(task.recipe)
      if (sources.current.value?.imageId !== task.image) {
        clearTable()
        alerts.guard(sources.fetch(task.image, signal))
      }
      await run.open(task)
    } catch (thrown) {
      if (thrown instanceof PixelflowError && thrown.status === 404) route.show(null)
      throw thrown
    }
  }

  async function pick(file: File): Promise<void> {
    const refused = await sources.pick(file, () => {
      leave()
      route.show(null)
      void uploads.discard()
    })
    if (refused !== null) alerts.add(refused)
  }

  function follow(): void {
    const wanted = route.task()
    if (wanted === (run.task.value?.id ?? null)) return
    if (wanted === null) leave()
    else alerts.guard(open(wanted))
  }

  const canRun = computed(() => {
    const isHere = sources.current.value?.file != null
    return isHere && sources.refusal.value === null && recipes.ready.value !== null
  })

  /** Settings first: they show whether other calls need a token. */
  async function begin(): Promise<void> {
    begun += 1
    const own = begun
    await server.greet()
    // Another token has restarted all requests meanwhile.
    if (server.failure.value !== null || own !== begun) return
    follow()
    await Promise.all([server.load(), recent.load()])
  }

  /** The displayed data belongs to the previous account; a local image can stay. */
  function forgetAccount(): void {
    leave()
    route.show(null)
    uploads.keep()
    if (sources.current.value?.isLocal === true) sources.stored(null)
    else sources.clear()
    recent.clear()
  }

  /** Also updates tasks without an event stream. */
  async function refreshRecent(): Promise<void> {
    if (page.document.visibilityState === 'visible') await recent.refresh()
    page.setTimeout(() => void refreshRecent(), refreshEveryMs)
  }

  route.onChange(follow)
  session.onChange((before) => {
    if (before !== null) forgetAccount()
    alerts.guard(begin())
  })
  alerts.guard(begin())
  void refreshRecent()

  return {
    client,
    session,
    server,
    alerts,
    sources,
    recipes,
    uploads,
    run,
    live,
    recent,
    theme: createTheme(page),
    canRun,
    isSettled,
    begin: () => alerts.guard(begin()),
    pick(files) {
      const [file, ...others] = files
      if (file === undefined) return
      if (others.length > 0) {
        alerts.add({
          title: 'One picture at a time',
          detail: `${file.name} was taken; ${others.length === 1 ? 'the other file was' : `${others.length} other files were`} left out.`,
        })
      }
      alerts.guard(pick(file))
    },
    start() {
      const recipe = recipes.ready.value
      if (recipe !== null && canRun.value) alerts.guard(run.start(recipe.body))
    },
    cancel() {
      // Aborting an upload stops it for every caller that waits for it.
      if (run.phase.value === 'uploading' && sources.current.value?.imageId === null) live.turn(false)
      alerts.guard(run.cancel())
    },
    open: (taskId) => alerts.guard(open(taskId)),
    remove(taskId) {
      if (run.task.value?.id === taskId) {
        leave()
        route.show(null)
      }
      alerts.guard(recent.remove(taskId))
    },
    clear() {
      leave()
      route.show(null)
      clearTable()
    },
  }
}
