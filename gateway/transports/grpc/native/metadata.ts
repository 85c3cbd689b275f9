import { Metadata, status, type StatusObject } from '@grpc/grpc-js'
import type { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import type { CallContext } from '../call-context.ts'
import { statusBytes, type CallIds } from '../to-status.ts'

/**
 * Metadata as headers. `host` is the authority of the call, even if the client sends other metadata of that name.
 * @param authorizations all values of `authorization` when there are several: Bun and Node keep only the first
 */
export function headersOf(
  metadata: Metadata,
  authority: string,
  authorizations?: readonly string[],
): Headers {
  const headers = new Headers()
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) {
      if (typeof value === 'string') headers.append(name, value)
    }
  }
  headers.set('host', authority)
  if (authorizations) headers.set('authorization', authorizations.join(', '))
  return headers
}

/** Metadata of the response headers. */
export function responseMetadata({
  requestId,
  responsePosition,
}: Pick<CallContext, 'requestId' | 'responsePosition'>): Metadata {
  const metadata = idMetadata(requestId)
  if (responsePosition !== undefined) metadata.set(positionHeader, responsePosition)
  return metadata
}

function idMetadata(requestId: string): Metadata {
  const metadata = new Metadata()
  metadata.set('x-request-id', requestId)
  return metadata
}

/** Converts a fault to the error that grpc-js sends as a status with details. */
export function toStatusError(fault: Fault, ids: CallIds): Error & StatusObject {
  const metadata = idMetadata(ids.requestId)
  metadata.set('grpc-status-details-bin', Buffer.from(statusBytes(fault, ids)))
  return Object.assign(new Error(fault.message), {
    code: status[status[fault.row.grpc] as keyof typeof status],
    details: fault.message,
    metadata,
  })
}
