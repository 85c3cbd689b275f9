import type { DescMethod } from '@bufbuild/protobuf'
import { requireBoundedJson } from '@pixelflow/core/json-bounds'
import { Fault } from '@pixelflow/core/fault'
import { createByteBuffer } from '../../../limits/byte-buffer.ts'
import type { MemoryReservation } from '../../../limits/request-memory.ts'
import { requireBoundedMessage } from '../require-bounded-message.ts'
import { createMessageDecoder, messageCharge, messageTooLarge, prefixBytes } from '../message-decoder.ts'
import { rulesOf } from '../method-rules.ts'

/** Flag of an enveloped message: it is compressed. */
const compressedFlag = 1

export interface ReadMessagesOptions {
  readonly method: DescMethod
  readonly contentType: string
  /** The declared length of the body; null without one. */
  readonly length: number | null
  /** The memory account of the body; requested when the first bytes have arrived. */
  readonly reservation: () => MemoryReservation
}

/**
 * Hands the body of a call to connect-es in whole messages, each checked against the limits of its method and charged while
 * it is held. connect-es itself would collect pieces without charging them. The body is pulled, so nothing is read before
 * the call is accepted.
 * @throws Fault `resource_limit_exceeded`, `overloaded`, `invalid_request`, and the faults of the body.
 */
export async function* readMessages(
  body: AsyncIterable<Uint8Array>,
  { method, contentType, length, reservation }: ReadMessagesOptions,
): AsyncGenerator<Uint8Array, void> {
  const { maxRequestBytes } = rulesOf(method)
  const isJson = contentType.includes('json')
  const check = (message: Uint8Array) =>
    isJson ? requireBoundedJson(message) : requireBoundedMessage(message, method.input)

  if (!/^application\/(?:connect\+|grpc-web)/i.test(contentType)) {
    if (length !== null && length > maxRequestBytes) throw messageTooLarge(length, maxRequestBytes)
    const whole = createByteBuffer(reservation())
    for await (const piece of body) {
      if (whole.length + piece.length > maxRequestBytes) throw messageTooLarge(undefined, maxRequestBytes)
      whole.append(piece)
    }
    const message = whole.finish()
    check(message)
    yield message
    return
  }

  const isStream = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming'
  const decoder = createMessageDecoder(maxRequestBytes, reservation())
  for await (const piece of body) {
    for (const message of decoder.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length))) {
      const content = message.subarray(prefixBytes)
      if (!((message[0] ?? 0) & compressedFlag)) check(content)
      yield message
      // A stream requests the next message when it has finished with this one. A single message is held until the call ends.
      if (isStream) reservation().release(messageCharge(content.length))
    }
  }
  if (decoder.isInMessage) {
    throw new Fault('invalid_request', 'The request ends in the middle of a message.', {
      remedy: 'Send each message with the length that its envelope declares.',
    })
  }
}
