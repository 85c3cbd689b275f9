import type { CallOptions, Client } from './client.ts'
import { download } from './download.ts'
import { again, type Limits } from './limits.ts'
import { follow, process } from './process.ts'
import { openTuning } from './tuning.ts'
import { watch } from './watch.ts'
import type { Wire } from './wire.ts'

export interface JoinOptions extends Limits {
  /** Ends every call, those to come too, when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** A client over any protocol: its calls as they are, its connections made to last. */
export function joinClient(wire: Wire, { signal, ...limits }: JoinOptions): Client {
  /** The same options, ended by the client's signal too. */
  const ended = <O extends Pick<CallOptions, 'signal'>>(options?: O): O =>
    ({ ...options, signal: both(signal, options?.signal) }) as O

  const client: Client = {
    address: wire.address,
    settings: (options) => wire.settings(ended(options)),
    operations: (options) => wire.operations(ended(options)),
    actors: (options) => wire.actors(ended(options)),
    upload: (source, options) => wire.upload(source, ended(options)),
    image: (id, options) => wire.image(id, ended(options)),
    deleteImage: (id, options) => wire.deleteImage(id, ended(options)),
    createTask: (image, recipe, options) => wire.createTask(image, recipe, ended(options)),
    task: (id, options) => wire.task(id, ended(options)),
    taskPage: (query, options) => wire.taskPage(query, ended(options)),
    async *tasks(query, options) {
      for (let cursor = query?.cursor; ;) {
        const page = await client.taskPage({ ...query, cursor }, options)
        yield* page.items
        if (page.next === null) return
        cursor = page.next
      }
    },
    cancel: (id, options) => wire.cancel(id, ended(options)),
    retryTask: (id, options) => wire.retryTask(id, ended(options)),
    deleteTask: (id, options) => wire.deleteTask(id, ended(options)),
    watch: (task, options) => watch(wire, task, ended(options)),
    download: (from, options) => download(wire, limits, from, ended(options)),
    follow: (task, options) => follow(client, wire, task, ended(options)),
    process: (source, recipe, options) => process(client, wire, source, recipe, ended(options)),
    processImage: (source, recipe, options) => wire.processImage(source, recipe, ended(options)),
    async tune(options) {
      const { signal } = ended(options)
      signal?.throwIfAborted()
      // Opening changes nothing, so it may be done again, whatever the protocol does by itself.
      return again({ ...limits, retries: options.retries ?? 3 }, signal, () =>
        openTuning((ear) => wire.tune(ear, signal), options),
      )
    },
    [Symbol.asyncDispose]: () => wire.close(),
  }
  return client
}

function both(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one === undefined || other === undefined ? (one ?? other) : AbortSignal.any([one, other])
}
