import { positionHeader } from '@pixelflow/core/position'
import type { Usecases } from '../../usecases.ts'
import { requestContextOf } from '../shared/request-context.ts'

/** The position that a client wants to be known of; undefined when it sends none. */
export function readPositionHeader(request: Request): string | undefined {
  return request.headers.get(positionHeader) ?? undefined
}

/** Puts on the answer how far an account has written. Called when what the answer tells of has been written. */
export function recordPosition(request: Request, { positionOf }: Usecases, account: string): void {
  requestContextOf(request).position = positionOf(account)
}
