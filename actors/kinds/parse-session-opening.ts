import { Fault } from '@pixelflow/core/fault'
import type { z } from 'zod'

/**
 * Parses the opening of a live session.
 * @throws Fault `unavailable` when the gateway has another version: during a rolling update another actor may understand it.
 */
export function parseSessionOpening<S extends z.ZodType>(schema: S, opening: unknown): z.output<S> {
  const parsed = schema.safeParse(opening)
  if (parsed.success) return parsed.data
  throw new Fault('unavailable', 'This actor does not understand the request of its gateway.', {
    remedy: 'Try again: an update is probably in progress.',
    cause: parsed.error,
  })
}
