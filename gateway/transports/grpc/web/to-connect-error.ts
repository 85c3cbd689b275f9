import { Code, ConnectError } from '@connectrpc/connect'
import type { Fault } from '@pixelflow/core/fault'
import { detailsOf, type CallIds } from '../to-status.ts'

/** Converts a fault to the error that connect-es sends with its details. */
export function toConnectError(fault: Fault, ids: CallIds): ConnectError {
  const code = Code[Code[fault.row.grpc] as keyof typeof Code]
  const error = new ConnectError(fault.message, code, undefined, undefined, fault)
  // Details with their descriptors: connect-es adds the JSON form of each as `debug`.
  error.details = detailsOf(fault, ids)
  return error
}
