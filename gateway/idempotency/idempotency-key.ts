import { Fault } from '@pixelflow/core/fault'
import { shorten } from '@pixelflow/core/shorten'
import type { RequestField } from '../request-field.ts'

const field = '@idempotency_key' satisfies RequestField

/**
 * The key that a client sent, without the quotes that the IETF draft of the HTTP header puts around it.
 * @throws Fault `invalid_request`.
 */
export function parseIdempotencyKey(sent: string): string {
  const key = /^"(.*)"$/.exec(sent)?.[1] ?? sent
  if (/^[\u0021-\u007E]{1,255}$/.test(key)) return key
  throw new Fault(
    'invalid_request',
    `Idempotency key "${shorten(sent)}" is not 1 to 255 visible ASCII characters.`,
    {
      field,
      remedy: 'Send one key, such as a random UUID.',
    },
  )
}

export function keyReused(): Fault {
  return new Fault('idempotency_key_reused', 'This idempotency key was used for another call.', {
    field,
    remedy: 'Use a new key for each call, and reuse a key only to repeat the identical call.',
  })
}

export function keyInUse(): Fault {
  return new Fault('idempotency_key_in_use', 'A call with this idempotency key is still in progress.', {
    field,
    remedy: 'Repeat the call in a moment to get its result.',
    retryAfterMs: 1000,
  })
}
