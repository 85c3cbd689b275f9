import { openHttp, PixelflowError, type Client, type TaskEvent } from '@pixelflow/client'
import { openGrpc } from '@pixelflow/client/grpc'
import { client as plainClient } from '../client.ts'
import { tokenOf, type ChaosCluster } from './chaos-cluster.ts'

/** A client of one account at one gateway over one protocol. */
export interface GatewayClient {
  readonly protocol: 'http' | 'grpc'
  readonly client: Client
  /** The events of a single connection: the client does not reconnect, reorder or skip duplicates. */
  events(task: string, after: string | undefined, signal: AbortSignal): AsyncIterable<TaskEvent>
}

/** One client for each gateway and protocol. */
export function openGatewayClients(
  cluster: ChaosCluster,
  account: string,
  scope: AsyncDisposableStack,
): GatewayClient[] {
  const token = tokenOf(account)
  // Abandons a call that hangs at a frozen gateway.
  const limits = { token, timeoutMs: 15_000 }
  return cluster.gateways.flatMap(({ url, grpc }): GatewayClient[] => {
    const http = scope.use(openHttp({ url, ...limits }))
    const native = scope.use(openGrpc({ address: grpc, ...limits }))
    const plain = plainClient(url, token)
    return [
      {
        protocol: 'http',
        client: http,
        async *events(task, after, signal) {
          try {
            for await (const { token, view } of plain.events(task, after, signal)) yield { ...view, token }
          } catch (thrown) {
            if (!String(thrown).includes('events: 404')) throw thrown
            throw new PixelflowError('task_not_found', 'Unknown task.', { cause: thrown })
          }
        },
      },
      {
        protocol: 'grpc',
        client: native,
        events: (task, after, signal) => native.watch(task, { after, signal, tries: 1 }),
      },
    ]
  })
}
