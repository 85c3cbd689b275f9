import { positionHeader } from '@pixelflow/core/position'
import type { Usecases } from '../../usecases.ts'
import { requestContextOf } from '../shared/request-context.ts'

/** The minimum position that a read must reflect; undefined when the request has none. */
export function readPositionHeader(request: Request): string | undefined {
  return request.headers.get(positionHeader) ?? undefined
}

/** Adds the write position of the account to the response. Call it after the write. */
export function recordPosition(request: Request, { positionOf }: Usecases, account: string): void {
  requestContextOf(request).position = positionOf(account)
}
