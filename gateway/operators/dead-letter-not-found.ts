import { Fault } from '@pixelflow/core/fault'
import { shorten } from '@pixelflow/core/shorten'

export function deadLetterNotFound(id: string): Fault {
  return new Fault('not_found', `Dead letter ${shorten(id)} does not exist.`, {
    remedy: 'Check the id. Dead letters are kept as long as tasks.',
  })
}
