import { computed, signal, type ReadonlySignal } from '@preact/signals'
import { openHttp, PixelflowError, type Client } from '@pixelflow/client'
import { createRecipeKey } from '../recipe/check-draft.ts'
import { initialRecipe } from '../recipe/initial-recipe.ts'
import { loadRecipeParser, type RecipeParser } from '../recipe/load-recipe-parser.ts'
import { createAlerts, type Alerts } from './alerts.ts'
import { createFileNames } from './file-names.ts'
import { createLivePreview, type LivePreview } from './live-preview.ts'
import { createRecentTaskList, type RecentTaskList } from './recent-task-list.ts'
import { createRecipeEditor, type RecipeEditor } from './recipe-editor.ts'
import { createRoute } from './route.ts'
import { createTaskRun, type TaskRun } from './task-run.ts'
import { createServer, type Server } from './server.ts'
import { createTabCredentials, type TabCredentials } from './tab-credentials.ts'
import { createImageSelection, measureImage, type ImageSelection } from './image-selection.ts'
import { createTheme, type Theme } from './theme.ts'
import { createUploads, type Uploads } from './uploads.ts'

/** Polling interval for active tasks without an event stream, in milliseconds. */
const refreshIntervalMs = 1500

/** The state and actions of the page; components read its signals and call its functions. */
export interface App {
  readonly client: Client
  readonly credentials: TabCredentials
  readonly server: Server
  /** Null until its script is loaded. */
  readonly parser: ReadonlySignal<RecipeParser | null>
  readonly alerts: Alerts
  readonly selection: ImageSelection
  readonly editor: RecipeEditor
  readonly uploads: Uploads
  readonly run: TaskRun
  readonly live: LivePreview
  readonly taskList: RecentTaskList
  readonly theme: Theme
  readonly canRun: ReadonlySignal<boolean>
  /** Whether the current task was created with the current recipe. */
  readonly isTaskUpToDate: ReadonlySignal<boolean>
  /** Reads everything from the server, follows the URL, and keeps the task list current. Called once. */
  connect(): void
  /** Reads everything from the server again after a connection failure. */
  reload(): void
  selectFiles(files: readonly File[]): void
  start(): void
  cancel(): void
  openTask(taskId: string): void
  removeTask(taskId: string): void
  /** Clears the current image; a running task continues on the server. */
  clear(): void
}

/** Creates the page in its first state. It sends nothing before `connect`, so that the build can draw it too. */
export function createApp(page: Window): App {
  const credentials = createTabCredentials(page.sessionStorage)
  const client = openHttp({ token: credentials })
  const server = createServer(client, credentials)
  const alerts = createAlerts()
  const selection = createImageSelection(client, server.settings, createFileNames(page.localStorage))
  const parser = signal<RecipeParser | null>(null)
  const editor = createRecipeEditor(server, parser, initialRecipe)
  const taskList = createRecentTaskList(client)
  const route = createRoute(page)
  const uploads = createUploads(client, selection)
  const run = createTaskRun(client, selection, uploads, {
    onTask(task) {
      taskList.update(task)
      route.show(task.id)
    },
    onDeleted: () => route.show(null),
    onFailure({ field, detail }) {
      if (field !== undefined) editor.markProblem(field, detail)
    },
  })
  const isTaskUpToDate = computed(() => {
    const { value: task } = run.task
    if (task === null || task.status === 'failed' || task.status === 'cancelled') return false
    return editor.recipe.value?.key === createRecipeKey(task.recipe)
  })
  const live = createLivePreview({
    client,
    selection,
    uploads,
    editor,
    credentials,
    isTaskUpToDate,
    decodeImage: measureImage,
    page,
    reportErrors: alerts.reportErrors,
  })
  let abortController = new AbortController()
  let loads = 0

  function closeTask(): AbortSignal {
    abortController.abort()
    abortController = new AbortController()
    run.reset()
    return abortController.signal
  }

  function clearImage(): void {
    selection.clear()
    void uploads.deleteUnused()
  }

  async function openTask(taskId: string): Promise<void> {
    const signal = closeTask()
    route.show(taskId)
    try {
      const task = await client.task(taskId, { signal })
      editor.load(task.recipe)
      if (selection.current.value?.imageId !== task.image) {
        clearImage()
        alerts.reportErrors(selection.download(task.image, signal))
      }
      await run.open(task)
    } catch (thrown) {
      if (thrown instanceof PixelflowError && thrown.status === 404) route.show(null)
      throw thrown
    }
  }

  async function selectFile(file: File): Promise<void> {
    const refusal = await selection.select(file, () => {
      closeTask()
      route.show(null)
      void uploads.deleteUnused()
    })
    if (refusal !== null) alerts.add(refusal)
  }

  function followRoute(): void {
    const taskId = route.taskId()
    if (taskId === (run.task.value?.id ?? null)) return
    if (taskId === null) closeTask()
    else alerts.reportErrors(openTask(taskId))
  }

  const canRun = computed(() => {
    const hasFile = selection.current.value?.file != null
    return hasFile && selection.refusal.value === null && editor.recipe.value !== null
  })

  async function loadParser(): Promise<void> {
    parser.value ??= await loadRecipeParser()
  }

  /** Settings first: they show whether other calls need a token. */
  async function load(): Promise<void> {
    loads += 1
    const thisLoad = loads
    await server.loadSettings()
    // Another token has restarted all requests meanwhile.
    if (server.failure.value !== null || thisLoad !== loads) return
    followRoute()
    await Promise.all([server.loadOperations(), taskList.load()])
  }

  /** The displayed data belongs to the previous account; a local image can stay. */
  function forgetAccount(): void {
    closeTask()
    route.show(null)
    uploads.markUsed()
    if (selection.current.value?.isLocal === true) selection.setStored(null)
    else selection.clear()
    taskList.clear()
  }

  /** Also updates tasks without an event stream. */
  async function refreshTasks(): Promise<void> {
    if (page.document.visibilityState === 'visible') await taskList.refresh()
    page.setTimeout(() => void refreshTasks(), refreshIntervalMs)
  }

  function reload(): void {
    alerts.reportErrors(loadParser())
    alerts.reportErrors(load())
  }

  return {
    client,
    credentials,
    server,
    parser,
    alerts,
    selection,
    editor,
    uploads,
    run,
    live,
    taskList,
    theme: createTheme(page),
    canRun,
    isTaskUpToDate,
    connect() {
      route.onChange(followRoute)
      credentials.onChange((before) => {
        if (before !== null) forgetAccount()
        alerts.reportErrors(load())
      })
      reload()
      void refreshTasks()
    },
    reload,
    selectFiles(files) {
      const [file, ...others] = files
      if (file === undefined) return
      if (others.length > 0) {
        alerts.add({
          title: 'Several files',
          detail: `Only ${file.name} is used, because the page works on one image at a time.`,
          remedy: 'Drop the other files one after another.',
        })
      }
      alerts.reportErrors(selectFile(file))
    },
    start() {
      const recipe = editor.recipe.value
      if (recipe !== null && canRun.value) alerts.reportErrors(run.start(recipe.body))
    },
    cancel() {
      // Aborting an upload stops it for every caller that waits for it.
      if (run.phase.value === 'uploading' && selection.current.value?.imageId === null) live.setEnabled(false)
      alerts.reportErrors(run.cancel())
    },
    openTask: (taskId) => alerts.reportErrors(openTask(taskId)),
    removeTask(taskId) {
      if (run.task.value?.id === taskId) {
        closeTask()
        route.show(null)
      }
      alerts.reportErrors(taskList.remove(taskId))
    },
    clear() {
      closeTask()
      route.show(null)
      clearImage()
    },
  }
}
