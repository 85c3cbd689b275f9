import { Fault } from '@pixelflow/core/fault'
import type { MessageProblem } from '@pixelflow/proto/message-json'

/** @throws Fault `invalid_request`. */
export function refuseMessage({ field, unknownEnum, unknownField }: MessageProblem): never {
  if (unknownEnum) {
    throw new Fault('invalid_request', `Unknown ${field} ${unknownEnum.number}.`, {
      field,
      remedy: `Send one of ${unknownEnum.known.join(', ')}, or leave it out.`,
    })
  }
  const where = field === '' ? 'The message' : `"${field}" in the message`
  throw new Fault('invalid_request', `${where} has an unknown field with the number ${unknownField}.`, {
    ...(field === '' ? {} : { field }),
    remedy: 'Leave the field out, or use a server whose proto/pixelflow/v1 has it.',
  })
}
