import type { Fault } from '@pixelflow/core/fault'

/**
 * Stands for a message that cannot be decoded. What a deserializer throws, grpc-js answers with INTERNAL and without
 * details, as if the server were at fault; so it returns this, and the interceptor refuses the call.
 */
export class UndecodableMessage {
  readonly fault: Fault

  constructor(fault: Fault) {
    this.fault = fault
  }
}
