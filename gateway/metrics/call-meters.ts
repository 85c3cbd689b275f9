import type { DescMethod } from '@bufbuild/protobuf'
import { faults } from '@pixelflow/core/fault'
import type { Meters } from '@pixelflow/platform/telemetry/meters'
import type { OpenStream } from './stream-meter.ts'
import type { gatewayMetrics } from './gateway-metrics.ts'

const protocols = ['grpc', 'grpc_web', 'connect'] as const

/** How a call reaches us. */
export type Protocol = (typeof protocols)[number]

/** Counts the calls of one method. */
export interface MethodMeter {
  /** What it returns is to be called at the end of a stream. */
  began(protocol: Protocol): (() => void) | undefined
  received(): void
  sent(): void
  /** @param code the canonical status code, 0 to 16 */
  ended(code: number, seconds: number): void
}

/** Makes the meter of a method; asked once for each. */
export type CallMeters = (method: DescMethod) => MethodMeter

const types = {
  unary: 'unary',
  client_streaming: 'client_stream',
  server_streaming: 'server_stream',
  bidi_streaming: 'bidi_stream',
} as const satisfies Record<DescMethod['methodKind'], string>

/** Names of the status codes as Go writes them, and with it every dashboard. */
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
  // What can be counted is there before it happens, or the first failure would not show as one.
  const codes = new Set([0, ...Object.values(faults).map(({ grpc }) => grpc)])
  for (const protocol of protocols) byProtocol(0, { protocol })

  return ({ parent, name, methodKind }) => {
    const labels = { grpc_type: types[methodKind], grpc_service: parent.typeName, grpc_method: name }
    const withCode = codeNames.map((grpc_code) => ({ ...labels, grpc_code }))
    const isStream = methodKind !== 'unary'
    for (const add of [started, received, sent]) add(0, labels)
    for (const code of codes) handled(0, withCode[code] ?? { ...labels, grpc_code: 'Unknown' })
    return {
      began(protocol) {
        started(1, labels)
        byProtocol(1, { protocol })
        return isStream ? openStream(protocol) : undefined
      },
      received: () => received(1, labels),
      sent: () => sent(1, labels),
      ended(code, took) {
        handled(1, withCode[code] ?? { ...labels, grpc_code: 'Unknown' })
        seconds(took, labels)
      },
    }
  }
}
