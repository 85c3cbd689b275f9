import type { DescMethod } from '@bufbuild/protobuf'
import { largestJsonBytes } from '@pixelflow/core/json-bounds'
import * as calls from '../../calls/calls.gen.ts'
import type { Access, CallDeclaration, LimitsClass } from '../../calls/declare-call.ts'
import { maxMessageBytes } from './implementation.ts'

/** Rules that the server applies to a call before it reads the body. */
export interface MethodRules {
  readonly access: Access
  /** Largest message of a request, in bytes. */
  readonly maxRequestBytes: number
}

const maxBytes: Readonly<Record<LimitsClass, number>> = {
  small: 64 * 1024,
  json: largestJsonBytes,
  image: maxMessageBytes,
}
/** A health check request holds the name of one service. */
const maxProbeBytes = 4096

const declared = new Map(
  (Object.values(calls) as CallDeclaration[]).flatMap((call) => (call.rpc ? [[call.rpc, call] as const] : [])),
)

/** @throws Error for a method that no call declares. */
export function rulesOf(method: DescMethod): MethodRules {
  const call = declared.get(method)
  if (call) return { access: call.access, maxRequestBytes: maxBytes[call.limits] }
  const service = method.parent.typeName
  if (service.startsWith('grpc.health.')) return { access: 'probe', maxRequestBytes: maxProbeBytes }
  if (service.startsWith('grpc.reflection.')) return { access: 'public', maxRequestBytes: maxBytes.small }
  throw new Error(`No call declares the method ${service}/${method.name}.`)
}
