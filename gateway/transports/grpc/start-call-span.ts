import type { DescMethod } from '@bufbuild/protobuf'
import type { StoreTimeout } from '@pixelflow/core/ports/store-timeout'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { noSpan, type Span } from '@pixelflow/platform/telemetry/tracing/span'
import { isTracing, runWithin, startSpan, streamWithin } from '@pixelflow/platform/telemetry/tracing/tracing'
import type { Authenticator } from '../../accounts/authenticator.ts'
import { findCallerSpan } from '../shared/find-caller-span.ts'
import type { IncomingCall } from './call-context.ts'
import type { MethodRules } from './method-rules.ts'

/** Starts the span of a call. Probes have none. */
export function startCallSpan(
  { name, parent: { typeName: service } }: DescMethod,
  access: MethodRules['access'],
  { protocol, headers, certificate }: Pick<IncomingCall, 'protocol' | 'headers' | 'certificate'>,
  { requestId, authenticator }: { requestId: string; authenticator: Authenticator },
): Span {
  if (!isTracing() || access === 'probe') return noSpan
  return startSpan(`${service}/${name}`, {
    kind: 'server',
    parent: findCallerSpan(headers, certificate, authenticator),
    attributes: {
      [attributeNames.rpcSystem]: protocol === 'connect' ? 'connect_rpc' : 'grpc',
      [attributeNames.rpcService]: service,
      [attributeNames.rpcMethod]: name,
      [attributeNames.requestId]: requestId,
    },
  })
}

/** The store timeout of a call, whose work it runs within the span of the call. */
export function storeTimeoutWithin(span: Span, storeTimeout: StoreTimeout): StoreTimeout {
  if (span.context === undefined) return storeTimeout
  return {
    ...storeTimeout,
    call: (work) => runWithin(span, () => storeTimeout.call(work)),
    stream: (values) => storeTimeout.stream(streamWithin(span, values)),
  }
}
