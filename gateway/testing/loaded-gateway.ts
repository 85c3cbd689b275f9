import { residentBytes, hasMessage } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { waitFor } from '@pixelflow/testkit/wait-for'

/** A gateway as a separate process, for tests under load. */
export interface LoadedGateway extends AsyncDisposable {
  readonly stack: Stack
  readonly process: GatewayProcess
  /** The gRPC port, as `host:port`. */
  readonly grpcAddress: string
  load(): Promise<Load>
  /** Waits until no calls, watchers and streams are active. */
  idle(): Promise<void>
  residentBytes(): Promise<number>
  /**
   * Waits until resident memory falls to this size, or for the time that an idle process needs to collect all garbage.
   * Returns the smallest size seen.
   */
  waitForResidentBytes(bytes: number): Promise<number>
}

export interface Load {
  readonly calls: number
  readonly watchers: number
  /** Open gRPC streams, from the metrics. */
  readonly streams: number
}

/** Time in which an idle process collects all garbage. */
const collectMs = 45_000

export async function startLoadedGateway(env: Readonly<Record<string, string>> = {}): Promise<LoadedGateway> {
  const stack = await startStack()
  // Freed pages are returned to the system at once, so that resident memory shows what is in use.
  const process = await stack
    .gateway({ env: { MIMALLOC_PURGE_DELAY: '0', ...env } })
    .catch(async (thrown) => {
      await stack[Symbol.asyncDispose]()
      throw thrown
    })
  const ready = JSON.parse(await process.line(hasMessage('ready'))) as { grpc: string }

  const load = async (): Promise<Load> => {
    const health = (await (await fetch(`${process.url}/health/`)).json()) as { load: Load }
    const metrics = await (await fetch(`${process.url}/metrics`)).text()
    const [, streams] = /^pixelflow_open_streams\{.*protocol="grpc".*\} (\d+)/m.exec(metrics) ?? []
    if (streams === undefined) throw new Error(`no metric of open streams in\n${metrics}`)
    const { calls, watchers } = health.load
    return { calls, watchers, streams: Number(streams) }
  }

  return {
    stack,
    process,
    grpcAddress: ready.grpc,
    load,
    async idle() {
      const isIdle = (counts: Load) => Object.values(counts).every((count) => count === 0)
      await waitFor('gateway idle', load, isIdle, { timeoutMs: 20_000 })
    },
    residentBytes: () => residentBytes(process.pid),
    async waitForResidentBytes(bytes) {
      const deadline = performance.now() + collectMs
      let smallest = await residentBytes(process.pid)
      while (smallest > bytes && performance.now() < deadline) {
        await Bun.sleep(50)
        smallest = Math.min(smallest, await residentBytes(process.pid))
      }
      return smallest
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}
