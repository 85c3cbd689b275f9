import type { CallOptions, Client } from './client.ts'
import type { ClientTransport } from './client-transport.ts'
import { openDownload } from './open-download.ts'
import { processAsTask } from './process-as-task.ts'
import { retryCall, type CallLimits } from './retry-call.ts'
import { openTuning } from './tuning.ts'
import { unaryCalls } from './unary-calls.ts'
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
    ...unaryCalls((name, input, options) => transport.call(name, input, withClientSignal(options))),
    upload: (source, options) => transport.upload(source, withClientSignal(options)),
    async *tasks(query, options) {
      for (let cursor = query?.cursor; ;) {
        const page = await client.taskPage({ ...query, cursor }, options)
        yield* page.items
        if (page.next === null) return
        cursor = page.next
      }
    },
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
