import type { DescMethod } from '@bufbuild/protobuf'
import * as calls from '../../calls/calls.gen.ts'
import type { Access, CallDeclaration } from '../../calls/declare-call.ts'
import { maxRequestBytes } from '../../calls/max-request-bytes.ts'

/** Rules that the server applies to a call before it reads the body. */
export interface MethodRules {
  readonly access: Access
  /** Largest message of a request, in bytes. */
  readonly maxRequestBytes: number
}

/** A health check request holds the name of one service. */
const maxProbeBytes = 4096

const declared = new Map(
  (Object.values(calls) as CallDeclaration[]).flatMap((call) =>
    call.rpc ? [[call.rpc, call] as const] : [],
  ),
)

/** @throws Error for a method that no call declares. */
export function rulesOf(method: DescMethod): MethodRules {
  const call = declared.get(method)
  if (call) return { access: call.access, maxRequestBytes: maxRequestBytes[call.limits ?? 'json'] }
  const service = method.parent.typeName
  if (service.startsWith('grpc.health.')) return { access: 'probe', maxRequestBytes: maxProbeBytes }
  if (service.startsWith('grpc.reflection.'))
    return { access: 'public', maxRequestBytes: maxRequestBytes.small }
  throw new Error(`No call declares the method ${service}/${method.name}.`)
}
