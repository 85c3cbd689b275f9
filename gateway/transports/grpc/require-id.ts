import { Fault } from '@pixelflow/core/fault'

/**
 * Returns an id that a message must have. Proto3 makes an unset field an empty string, which is a missing argument and not
 * an unknown id.
 * @throws Fault `invalid_request`.
 */
export function requireId(field: string, id: string, of: 'image' | 'task'): string {
  if (id !== '') return id
  throw new Fault('invalid_request', `"${field}" in the message is missing.`, {
    field,
    remedy: `Set ${field} to the id of ${of === 'image' ? 'an image' : 'a task'}.`,
  })
}
