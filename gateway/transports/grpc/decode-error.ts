import { isFieldError } from '@bufbuild/protobuf/reflect'
import { Fault } from '@pixelflow/core/fault'

/** Characters of the library's reason that the client sees. */
const maxReasonLength = 200

/**
 * The fault for a request message that cannot be decoded.
 * @param reason the library's reason, without a full stop
 * @param cause the library's error; it may name the field
 */
export function decodeError(reason: string, cause?: unknown): Fault {
  return new Fault('invalid_request', `The message cannot be decoded: ${reason.slice(0, maxReasonLength)}.`, {
    ...(isFieldError(cause) ? { field: cause.field().name } : {}),
    remedy:
      'Send the message that proto/pixelflow/v1/image.proto describes. In JSON use its field names, and enum values ' +
      'such as "LANE_BULK".',
  })
}
