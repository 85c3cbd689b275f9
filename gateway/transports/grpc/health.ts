import { Fault } from '@pixelflow/core/fault'
import {
  HealthCheckResponse_ServingStatus as Serving,
  type Health,
} from '@pixelflow/proto/grpc/health/v1/health_pb'
import { gatewayStopping } from '../../gateway-stopping.ts'
import type { Readiness } from './readiness.ts'
import type { Implementation } from './implementation.ts'

/** grpc.health.v1 for the whole server ("") and each of its services. Probes need no credentials. */
export function health(readiness: Readiness, services: readonly string[]): Implementation<typeof Health> {
  const known = new Set(['', ...services])
  const statusOf = (isReady: boolean) => (isReady ? Serving.SERVING : Serving.NOT_SERVING)

  return {
    async check({ service }) {
      if (!known.has(service)) throw unknownService(service)
      return { status: statusOf(await readiness.now()) }
    },
    async list() {
      const status = statusOf(await readiness.now())
      return { statuses: Object.fromEntries([...known].map((name) => [name, { status }])) }
    },
    async *watch({ service }, { signal }) {
      const isKnown = known.has(service)
      // The protocol defines a status for unknown services: a later version may have the service.
      if (!isKnown) yield { status: Serving.SERVICE_UNKNOWN }
      for await (const isReady of readiness.changes(signal)) {
        if (isKnown) yield { status: statusOf(isReady) }
      }
      signal.throwIfAborted()
      throw gatewayStopping('Call Watch again. Another gateway answers.')
    },
  }
}

function unknownService(service: string): Fault {
  return new Fault('not_found', `Unknown service ${service.slice(0, 200)}.`, {
    field: 'service',
    remedy: 'Send a name that server reflection lists, or no name for the whole server.',
  })
}
