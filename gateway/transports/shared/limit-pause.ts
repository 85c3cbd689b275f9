import { within } from '@pixelflow/core/within'
import { pausedUpload } from '../../images/receive-image.ts'

/**
 * Waits for the next piece of an upload.
 * @throws Fault `truncated_upload` when the client pauses for longer than `pauseMs`.
 */
export async function limitPause<T extends object>(piece: Promise<T>, pauseMs: number): Promise<T> {
  const found = await within(piece, pauseMs)
  if (found === undefined) throw pausedUpload(pauseMs)
  return found
}
