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
  const withClientSignal = <O extends Pick<CallOptions, 'signal'>>(options?: O): O =>
    ({ ...options, signal: combineSignals(signal, options?.signal) }) as O

  const client: Client = {
    address: transport.address,
    settings: (options) => transport.settings(withClientSignal(options)),
    operations: (options) => transport.operations(withClientSignal(options)),
    actors: (options) => transport.actors(withClientSignal(options)),
    upload: (source, options) => transport.upload(source, withClientSignal(options)),
    image: (id, options) => transport.image(id, withClientSignal(options)),
    deleteImage: (id, options) => transport.deleteImage(id, withClientSignal(options)),
    createTask: (image, recipe, options) => transport.createTask(image, recipe, withClientSignal(options)),
    task: (id, options) => transport.task(id, withClientSignal(options)),
    taskPage: (query, options) => transport.taskPage(query, withClientSignal(options)),
    async *tasks(query, options) {
      for (let cursor = query?.cursor; ;) {
        const page = await client.taskPage({ ...query, cursor }, options)
        yield* page.items
        if (page.next === null) return
        cursor = page.next
      }
    },
    cancel: (id, options) => transport.cancel(id, withClientSignal(options)),
    retryTask: (id, options) => transport.retryTask(id, withClientSignal(options)),
    deleteTask: (id, options) => transport.deleteTask(id, withClientSignal(options)),
    watch: (task, options) => watch(transport, task, withClientSignal(options)),
    download: (from, options) => openDownload(transport, limits, from, withClientSignal(options)),
    follow: (task, options) => waitForResult(client, transport, task, withClientSignal(options)),
    process: (source, recipe, options) =>
      processAsTask(client, transport, source, recipe, withClientSignal(options)),
    processImage: (source, recipe, options) =>
      transport.processImage(source, recipe, withClientSignal(options)),
    async tune(options) {
      const { signal } = withClientSignal(options)
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
export function combineSignals(
  first: AbortSignal | undefined,
  second: AbortSignal | undefined,
): AbortSignal | undefined {
  return first === undefined || second === undefined ? (first ?? second) : AbortSignal.any([first, second])
}
