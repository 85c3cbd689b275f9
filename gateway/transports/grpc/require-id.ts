import { Fault } from '@pixelflow/core/fault'

/**
 * An id that a message must have. A field that is not set is empty, which is not the id of anything that does not exist.
 * @throws Fault `invalid_request`.
 */
export function requireId(field: string, id: string, of: 'image' | 'task'): string {
  if (id !== '') return id
  throw new Fault('invalid_request', `"${field}" in the message is missing.`, {
    field,
    remedy: `Set ${field} to the id of ${of === 'image' ? 'an image' : 'a task'}.`,
  })
}
