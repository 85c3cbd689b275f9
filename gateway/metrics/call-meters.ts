import type { DescMethod } from '@bufbuild/protobuf'
import { faults } from '@pixelflow/core/fault'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { OpenStream } from './stream-meter.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

const protocols = ['grpc', 'grpc_web', 'connect'] as const

/** The protocol of a call. */
export type Protocol = (typeof protocols)[number]

/** Counts the calls of one method. */
export interface MethodMeter {
  /** Returns the function to call at the end of a stream; undefined for a unary call. */
  start(protocol: Protocol): (() => void) | undefined
  countReceived(): void
  countSent(): void
  /** @param code the canonical status code, 0 to 16 */
  end(code: number, seconds: number): void
}

/** Creates the meter of a method. Called once for each method. */
export type CallMeters = (method: DescMethod) => MethodMeter

const types = {
  unary: 'unary',
  client_streaming: 'client_stream',
  server_streaming: 'server_stream',
  bidi_streaming: 'bidi_stream',
} as const satisfies Record<DescMethod['methodKind'], string>

/** Names of the status codes as in Go, which dashboards expect. */
export const codeNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const

export function createCallMeters(meters: Meters<typeof gatewayMetrics>, openStream: OpenStream): CallMeters {
  const started = meters.counter('callsStarted')
  const handled = meters.counter('callsHandled')
  const seconds = meters.histogram('callSeconds')
  const received = meters.counter('messagesReceived')
  const sent = meters.counter('messagesSent')
  const byProtocol = meters.counter('callsByProtocol')
  // Every series starts at 0: `rate()` does not see the first increment of a series that did not exist.
  const codes = new Set([0, ...Object.values(faults).map(({ grpc }) => grpc)])
  for (const protocol of protocols) byProtocol(0, { protocol })

  return ({ parent, name, methodKind }) => {
    const labels = { grpc_type: types[methodKind], grpc_service: parent.typeName, grpc_method: name }
    const withCode = codeNames.map((grpc_code) => ({ ...labels, grpc_code }))
    const isStream = methodKind !== 'unary'
    for (const add of [started, received, sent]) add(0, labels)
    for (const code of codes) handled(0, withCode[code] ?? { ...labels, grpc_code: 'Unknown' })
    return {
      start(protocol) {
        started(1, labels)
        byProtocol(1, { protocol })
        return isStream ? openStream(protocol) : undefined
      },
      countReceived: () => received(1, labels),
      countSent: () => sent(1, labels),
      end(code, took) {
        handled(1, withCode[code] ?? { ...labels, grpc_code: 'Unknown' })
        seconds(took, labels)
      },
    }
  }
}
