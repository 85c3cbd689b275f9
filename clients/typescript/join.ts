import type { Client } from './client.ts'
import { download } from './download.ts'
import type { Limits } from './limits.ts'
import { process } from './process.ts'
import { watch } from './watch.ts'
import type { Wire } from './wire.ts'

/** A client over any protocol: its calls as they are, its connections made to last. */
export function joinClient(wire: Wire, limits: Limits): Client {
  const { address, events: _, content: __, close, ...calls } = wire
  const client: Client = {
    ...calls,
    address,
    async *tasks(query, options) {
      for (let cursor = query?.cursor; ;) {
        const page = await wire.taskPage({ ...query, cursor }, options)
        yield* page.items
        if (page.next === null) return
        cursor = page.next
      }
    },
    watch: (task, options) => watch(wire, task, options),
    download: (from, options) => download(wire, limits, from, options),
    process: (source, recipe, options) => process(client, source, recipe, options),
    [Symbol.asyncDispose]: close,
  }
  return client
}
