import { Metadata, status, type StatusObject } from '@grpc/grpc-js'
import type { Fault } from '@pixelflow/core/fault'
import { positionHeader } from '@pixelflow/core/position'
import type { CallContext } from '../call-interceptor.ts'
import { statusBytes } from '../status.ts'
import { inWordsOf } from '../words.ts'

/**
 * Metadata as headers; the authority stands as `host`, whatever else the client may have called so.
 * @param authorizations All values of that field, where there are several: Bun and Node keep only the first.
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

/** The head of an answer. */
export function responseMetadata({
  requestId,
  toldPosition,
}: Pick<CallContext, 'requestId' | 'toldPosition'>): Metadata {
  const metadata = idMetadata(requestId)
  if (toldPosition !== undefined) metadata.set(positionHeader, toldPosition)
  return metadata
}

function idMetadata(requestId: string): Metadata {
  const metadata = new Metadata()
  metadata.set('x-request-id', requestId)
  return metadata
}

/** A fault as the error that grpc-js turns into a status with details. */
export function toStatusError(thrown: Fault, requestId: string): Error & StatusObject {
  const fault = inWordsOf('grpc', thrown)
  const metadata = idMetadata(requestId)
  metadata.set('grpc-status-details-bin', Buffer.from(statusBytes(fault, requestId)))
  return Object.assign(new Error(fault.message), {
    code: status[status[fault.row.grpc] as keyof typeof status],
    details: fault.message,
    metadata,
  })
}
