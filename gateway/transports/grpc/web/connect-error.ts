import { Code, ConnectError } from '@connectrpc/connect'
import type { Fault } from '@pixelflow/core/fault'
import { toStatus } from '../status.ts'

/** Converts a fault to the error that connect-es sends with its details. */
export function toConnectError(fault: Fault, requestId: string): ConnectError {
  const code = Code[Code[fault.row.grpc] as keyof typeof Code]
  const error = new ConnectError(fault.message, code, undefined, undefined, fault)
  error.details = toStatus(fault, requestId).details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
    value,
  }))
  return error
}
