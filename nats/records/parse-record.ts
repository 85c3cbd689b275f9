import { Fault } from '@pixelflow/core/fault'
import type { ZodType } from 'zod'
import type { StoredMessage } from '../jetstream/stored-message.ts'

/** The value of a stored record. @throws Fault `incompatible_record`. */
export function parseRecord<T>(schema: ZodType<T>, { data, subject }: StoredMessage): T {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(data)))
  } catch (cause) {
    throw new Fault('incompatible_record', `The record ${subject} has an unknown format.`, {
      remedy: 'Start the newest version of PixelFlow that writes to this broker.',
      cause,
    })
  }
}
