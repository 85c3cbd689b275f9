import { Code, ConnectError } from '@connectrpc/connect'
import type { Fault } from '@pixelflow/core/fault'
import { toStatus } from '../status.ts'
import { inWordsOf } from '../words.ts'

/** A fault as the error that the library turns into an answer with details. */
export function toConnectError(thrown: Fault, requestId: string): ConnectError {
  const fault = inWordsOf('web', thrown)
  const code = Code[Code[fault.row.grpc] as keyof typeof Code]
  const error = new ConnectError(fault.message, code, undefined, undefined, thrown)
  error.details = toStatus(fault, requestId).details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
    value,
  }))
  return error
}
