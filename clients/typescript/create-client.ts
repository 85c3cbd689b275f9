import type { CallOptions, Client } from './client.ts'
import { download } from './download.ts'
import { retryCall, type CallLimits } from './retry-call.ts'
import { follow, process } from './process.ts'
import { openTuning } from './tuning.ts'
import { watch } from './watch.ts'
import type { Transport } from './transport.ts'

export interface ClientOptions extends CallLimits {
  /** Aborts all current and future calls. */
  readonly signal?: AbortSignal | undefined
}

/** Creates a client over a transport. Streams and downloads are resumed when a connection breaks. */
export function createClient(transport: Transport, { signal, ...limits }: ClientOptions): Client {
  /** The options with the client's signal added. */
  const ended = <O extends Pick<CallOptions, 'signal'>>(options?: O): O =>
    ({ ...options, signal: both(signal, options?.signal) }) as O

  const client: Client = {
    address: transport.address,
    settings: (options) => transport.settings(ended(options)),
    operations: (options) => transport.operations(ended(options)),
    actors: (options) => transport.actors(ended(options)),
    upload: (source, options) => transport.upload(source, ended(options)),
    image: (id, options) => transport.image(id, ended(options)),
    deleteImage: (id, options) => transport.deleteImage(id, ended(options)),
    createTask: (image, recipe, options) => transport.createTask(image, recipe, ended(options)),
    task: (id, options) => transport.task(id, ended(options)),
    taskPage: (query, options) => transport.taskPage(query, ended(options)),
    async *tasks(query, options) {
      for (let cursor = query?.cursor; ;) {
        const page = await client.taskPage({ ...query, cursor }, options)
        yield* page.items
        if (page.next === null) return
        cursor = page.next
      }
    },
    cancel: (id, options) => transport.cancel(id, ended(options)),
    retryTask: (id, options) => transport.retryTask(id, ended(options)),
    deleteTask: (id, options) => transport.deleteTask(id, ended(options)),
    watch: (task, options) => watch(transport, task, ended(options)),
    download: (from, options) => download(transport, limits, from, ended(options)),
    follow: (task, options) => follow(client, transport, task, ended(options)),
    process: (source, recipe, options) => process(client, transport, source, recipe, ended(options)),
    processImage: (source, recipe, options) => transport.processImage(source, recipe, ended(options)),
    async tune(options) {
      const { signal } = ended(options)
      signal?.throwIfAborted()
      // Opening has no side effects, so it is safe to repeat.
      return retryCall({ ...limits, retries: options.retries ?? 3 }, signal, () =>
        openTuning((listener) => transport.tune(listener, signal), options),
      )
    },
    [Symbol.asyncDispose]: () => transport.close(),
  }
  return client
}

function both(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one === undefined || other === undefined ? (one ?? other) : AbortSignal.any([one, other])
}
