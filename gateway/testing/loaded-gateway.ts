import { residentBytes, says } from '@pixelflow/testkit/process'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import { until } from './test-gateway.ts'

/** A gateway as a process of its own, seen from outside while it is under load. Only tests use this. */
export interface LoadedGateway extends AsyncDisposable {
  readonly stack: Stack
  readonly process: GatewayProcess
  /** Where gRPC is spoken. */
  readonly grpcAddress: string
  load(): Promise<Load>
  /** Waits until nothing is under way any more. */
  idle(): Promise<void>
  residentBytes(): Promise<number>
  /**
   * Waits until resident memory has fallen to so much, or for as long as an idle process takes to collect everything;
   * returns the least that was seen.
   */
  waitForResidentBytes(bytes: number): Promise<number>
}

export interface Load {
  readonly calls: number
  readonly watchers: number
  /** Open streams over gRPC, as the metrics tell. */
  readonly streams: number
}

export async function startLoadedGateway(env: Readonly<Record<string, string>> = {}): Promise<LoadedGateway> {
  const stack = await startStack()
  // Freed pages go back at once, so that what is held can be seen.
  const process = await stack
    .gateway({ env: { MIMALLOC_PURGE_DELAY: '0', ...env } })
    .catch(async (thrown) => {
      await stack[Symbol.asyncDispose]()
      throw thrown
    })
  const ready = JSON.parse(await process.line(says('ready'))) as { grpc: string }

  const load = async (): Promise<Load> => {
    const health = (await (await fetch(`${process.url}/health/`)).json()) as { load: Load }
    const metrics = await (await fetch(`${process.url}/metrics`)).text()
    const [, streams] = /^pixelflow_open_streams\{.*transport="grpc".*\} (\d+)/m.exec(metrics) ?? []
    if (streams === undefined) throw new Error(`no open streams in\n${metrics}`)
    const { calls, watchers } = health.load
    return { calls, watchers, streams: Number(streams) }
  }

  return {
    stack,
    process,
    grpcAddress: ready.grpc,
    load,
    async idle() {
      await until(async () => Object.values(await load()).every((count) => count === 0), 20_000)
    },
    residentBytes: () => residentBytes(process.pid),
    async waitForResidentBytes(bytes) {
      let least = Infinity
      const isThere = async () => {
        least = Math.min(least, await residentBytes(process.pid))
        return least <= bytes
      }
      await until(isThere, 45_000).catch(() => {})
      return least
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}
