import { isFieldError } from '@bufbuild/protobuf/reflect'
import { Fault } from '@pixelflow/core/fault'

/** Characters of the library's reason that the client is told. */
const longestReason = 200

/**
 * The client sent a message that is not one of its method.
 * @param reason the library's, without a full stop
 * @param cause what the library has thrown; it may name the field
 */
export function decodeError(reason: string, cause?: unknown): Fault {
  return new Fault('invalid_request', `The message cannot be decoded: ${reason.slice(0, longestReason)}.`, {
    ...(isFieldError(cause) ? { field: cause.field().name } : {}),
    remedy:
      'Send it as proto/pixelflow/v1/image.proto describes it: in JSON with its fields, and with enum values such as ' +
      '"LANE_BULK".',
  })
}
