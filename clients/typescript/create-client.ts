import type { CallOptions, Client } from './client.ts'
import type { ClientTransport } from './client-transport.ts'
import { openDownload } from './open-download.ts'
import { processAsTask } from './process-as-task.ts'
import { retryCall, type CallLimits } from './retry-call.ts'
import { openTuning } from './tuning.ts'
import { waitForResult } from './wait-for-result.ts'
import { watch } from './watch.ts'

export interface ClientOptions extends CallLimits {
  /** Aborts all current and future calls. */
  readonly signal?: AbortSignal | undefined
}

/** Creates a client over a transport. Streams and downloads are resumed when a connection breaks. */
export function createClient(transport: ClientTransport, { signal, ...limits }: ClientOptions): Client {
  /** Adds the client's signal to the options of a call. */
  const abortable = <O extends Pick<CallOptions, 'signal'>>(options?: O): O =>
    ({ ...options, signal: anySignal(signal, options?.signal) }) as O

  const client: Client = {
    address: transport.address,
    settings: (options) => transport.settings(abortable(options)),
    operations: (options) => transport.operations(abortable(options)),
    actors: (options) => transport.actors(abortable(options)),
    upload: (source, options) => transport.upload(source, abortable(options)),
    image: (id, options) => transport.image(id, abortable(options)),
    deleteImage: (id, options) => transport.deleteImage(id, abortable(options)),
    createTask: (image, recipe, options) => transport.createTask(image, recipe, abortable(options)),
    task: (id, options) => transport.task(id, abortable(options)),
    taskPage: (query, options) => transport.taskPage(query, abortable(options)),
    async *tasks(query, options) {
      for (let cursor = query?.cursor; ;) {
        const page = await client.taskPage({ ...query, cursor }, options)
        yield* page.items
        if (page.next === null) return
        cursor = page.next
      }
    },
    cancel: (id, options) => transport.cancel(id, abortable(options)),
    retryTask: (id, options) => transport.retryTask(id, abortable(options)),
    deleteTask: (id, options) => transport.deleteTask(id, abortable(options)),
    watch: (task, options) => watch(transport, task, abortable(options)),
    download: (from, options) => openDownload(transport, limits, from, abortable(options)),
    follow: (task, options) => waitForResult(client, transport, task, abortable(options)),
    process: (source, recipe, options) =>
      processAsTask(client, transport, source, recipe, abortable(options)),
    processImage: (source, recipe, options) => transport.processImage(source, recipe, abortable(options)),
    async tune(options) {
      const { signal } = abortable(options)
      signal?.throwIfAborted()
      // Opening a session has no side effects, so it is safe to repeat.
      return retryCall({ ...limits, retries: options.retries ?? 3 }, signal, () =>
        openTuning((listener) => transport.tune(listener, signal), options),
      )
    },
    [Symbol.asyncDispose]: () => transport.close(),
  }
  return client
}

/** A signal that aborts when either of the two aborts. */
export function anySignal(
  first: AbortSignal | undefined,
  second: AbortSignal | undefined,
): AbortSignal | undefined {
  return first === undefined || second === undefined ? (first ?? second) : AbortSignal.any([first, second])
}
