import type { DescMethod } from '@bufbuild/protobuf'
import { requireBoundedJson } from '@pixelflow/core/json-bounds'
import { Fault } from '@pixelflow/core/fault'
import { createByteBuffer } from '../../../limits/byte-buffer.ts'
import type { MemoryReservation } from '../../../limits/request-memory.ts'
import { requireBoundedMessage } from '../message-bounds.ts'
import { rulesOf } from '../method-rules.ts'
import { costOf, createMessageDecoder, headBytes, messageTooLarge } from '../native/message-pool.ts'

/** Flags of a message in an envelope: it is compressed; it is not a message, but the end of the stream. */
const compressed = 1

export interface RequestBodyNeeds {
  readonly method: DescMethod
  readonly contentType: string
  /** What the client promises; null when it does not. */
  readonly length: number | null
  /** What the body is charged to; asked for once the first of it has come. */
  readonly held: () => MemoryReservation
}

/**
 * The body of a call for the library, which would gather it in pieces: whole messages, each within the bounds of its method
 * and charged for as long as it is held. Pulled, so nothing is read before the call has been let in.
 * @throws Fault `resource_limit_exceeded`, `overloaded`, `invalid_request`, and those of the body.
 */
export async function* readMessages(
  body: AsyncIterable<Uint8Array>,
  { method, contentType, length, held }: RequestBodyNeeds,
): AsyncGenerator<Uint8Array, void> {
  const { largestRequest } = rulesOf(method)
  const isJson = contentType.includes('json')
  const check = (message: Uint8Array) =>
    isJson ? requireBoundedJson(message) : requireBoundedMessage(message, method.input)

  if (!/^application\/(?:connect\+|grpc-web)/i.test(contentType)) {
    if (length !== null && length > largestRequest) throw messageTooLarge(length, largestRequest)
    const whole = createByteBuffer(held())
    for await (const piece of body) {
      if (whole.length + piece.length > largestRequest) throw messageTooLarge(undefined, largestRequest)
      whole.append(piece)
    }
    const message = whole.finish()
    check(message)
    yield message
    return
  }

  const isStream = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming'
  const decoder = createMessageDecoder(largestRequest, held())
  for await (const piece of body) {
    for (const message of decoder.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length))) {
      const content = message.subarray(headBytes)
      if (!((message[0] ?? 0) & compressed)) check(content)
      yield message
      // Whoever asks for the next one has done with it; a single one is held until the call ends.
      if (isStream) held().give(costOf(content.length))
    }
  }
  if (decoder.isInMessage) {
    throw new Fault('invalid_request', 'The request ended in the middle of a message.', {
      remedy: 'Send each message as long as its envelope says.',
    })
  }
}
