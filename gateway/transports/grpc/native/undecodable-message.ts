import type { Fault } from '@pixelflow/core/fault'

/**
 * Takes the place of a message that cannot be decoded. grpc-js answers an exception of a deserializer with INTERNAL and no
 * details, which would blame the server. The deserializer returns this object instead, and the interceptor refuses the
 * call with its fault. No upstream issue is known; remove it when grpc-js passes an exception with a status code on, and
 * `malformed.test.ts` passes without it.
 */
export class UndecodableMessage {
  readonly fault: Fault

  constructor(fault: Fault) {
    this.fault = fault
  }
}
