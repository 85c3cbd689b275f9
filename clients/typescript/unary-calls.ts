import type { CallName, CallTypes } from './http-calls.gen.ts'
import type {
  ActorView,
  CallOptions,
  CreateOptions,
  ImageView,
  OperationCatalogue,
  RecipeInput,
  ServerSettings,
  TaskOptions,
  TaskPageQuery,
  TaskPageView,
  TaskView,
} from './client.ts'

/**
 * Makes a call with one request and one response by its name in the OpenAPI document, with the input that the document
 * and the proto describe. A call that creates a resource is retried only with an idempotency key.
 */
export type UnaryCaller<Names extends keyof CallTypes = CallName> = <Name extends Names>(
  name: Name,
  input: CallTypes[Name]['input'],
  options?: CreateOptions,
) => Promise<CallTypes[Name]['output']>

/** The calls with one request and one response as methods of a client: one line each. */
export function unaryCalls(call: UnaryCaller) {
  return {
    /** Makes any such call by its name, also one without a method of its own. */
    call,
    settings: (options?: CallOptions): Promise<ServerSettings> => call('getSettings', {}, options),
    operations: (options?: CallOptions) =>
      call('listOperations', {}, options) as unknown as Promise<OperationCatalogue>,
    /** One operation of recipes. */
    operation: (name: string, options?: CallOptions) => call('getOperation', { name }, options),
    /** The actors (the processes that run tasks), sorted by name, each with the caller's tasks that it is processing. */
    actors: async (options?: CallOptions): Promise<readonly ActorView[]> =>
      (await call('listActors', {}, options)).items,
    image: (id: string, options?: CallOptions): Promise<ImageView> => call('getImage', { id }, options),
    deleteImage: (id: string, options?: CallOptions): Promise<void> => call('deleteImage', { id }, options),
    /** Creates a task that applies a recipe to a stored image. */
    createTask: (image: string, recipe: RecipeInput, options?: TaskOptions): Promise<TaskView> =>
      call('createTask', { image, recipe, lane: options?.lane }, options),
    task: (id: string, options?: CallOptions): Promise<TaskView> => call('getTask', { id }, options),
    /** One page of tasks, newest first. */
    taskPage: (query: TaskPageQuery = {}, options?: CallOptions): Promise<TaskPageView> =>
      call('listTasks', query, options),
    cancel: (id: string, options?: CallOptions): Promise<TaskView> => call('cancelTask', { id }, options),
    /**
     * Creates a new task with the image and recipe of a task that has ended; its `retryOf` names that task. Without an
     * idempotency key the call is not retried: a second try would create a second task.
     */
    retryTask: (id: string, options?: CreateOptions): Promise<TaskView> => call('retryTask', { id }, options),
    /** Deletes a task and its outputs. A task that has not ended is cancelled first. */
    deleteTask: (id: string, options?: CallOptions): Promise<void> => call('deleteTask', { id }, options),
  }
}

export type UnaryCalls = ReturnType<typeof unaryCalls>
