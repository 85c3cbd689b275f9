import type { DescMessage } from '@bufbuild/protobuf'
import { status, type ServerInterceptingCallInterface } from '@grpc/grpc-js'
import { Fault } from '@pixelflow/core/fault'
import type { IdleWatch } from '../../../limits/idle-watch.ts'
import type { MemoryReservation } from '../../../limits/request-memory.ts'
import { pausedUpload } from '../../../images/receive-image.ts'
import { decodeError } from '../decode-error.ts'
import { requireBoundedMessage } from '../require-bounded-message.ts'
import { messageTooLarge, prefixBytes, type MemoryCharge, type MessageDecoder } from '../message-decoder.ts'

/**
 * Private members of grpc-js's innermost call. grpc-js has no option for the decoder of a call or for the largest message
 * of one method, and no upstream issue asks for it. Remove this when an interceptor can set both; `memory.test.ts` and
 * `malformed.test.ts` must then pass without it. Written for grpc-js 1.14.7.
 */
interface InnerCall {
  decoder: { write(data: Buffer): Buffer[] }
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>
  maxReceiveMessageSize: number
  readonly isReadPending: boolean
  readonly readQueue: unknown[]
}

/** Receives the messages of one call: charges their bytes, checks their bounds, and limits pauses. */
export interface MessageReceiver {
  /** Why messages are refused, once they are. */
  readonly fault: Fault | undefined
  /** The call is accepted, and its messages are charged from now on. */
  begin(reservation: MemoryReservation): void
  /** Refuses the messages for a reason found elsewhere, such as a failed decode. */
  refuse(fault: Fault): void
  /** Stops waiting: the client has sent its last message. */
  halfClose(): void
  /** Drops all messages of an ended call. The client may keep the stream open without limit. */
  close(): void
}

export interface MessageReceiverOptions {
  readonly call: ServerInterceptingCallInterface
  /** Type of the messages. */
  readonly input: DescMessage
  readonly maxMessageBytes: number
  readonly createDecoder: (maxMessageBytes: number, charge: MemoryCharge) => MessageDecoder
  /** Whether the client sends a stream. A stream may pause between two messages. */
  readonly isStream: boolean
  readonly idle: IdleWatch
  /** Called when the client has paused for too long. */
  readonly onIdle: (fault: Fault) => void
}

/** Replaces the decoder of a grpc-js call. @throws Error when this version of grpc-js has other private members. */
export function createMessageReceiver(options: MessageReceiverOptions): MessageReceiver {
  const { call, input, maxMessageBytes, createDecoder, isStream, idle, onIdle } = options
  const inner = innerCallOf(call)
  let reservation: MemoryReservation | undefined
  let fault: Fault | undefined
  let watch: ReturnType<IdleWatch['begin']> | undefined
  const expectMore = () => {
    watch ??= idle.begin(() => {
      watch = undefined
      // The server is not reading at the moment, so the pause is not the client's.
      if (!inner.isReadPending) return expectMore()
      fault = pausedUpload(idle.idleMs)
      onIdle(fault)
    })
  }
  const stopWatch = () => {
    watch?.end()
    watch = undefined
  }
  const recordFault = <T>(work: () => T): T => {
    try {
      return work()
    } catch (thrown) {
      fault ??= Fault.of(thrown)
      stopWatch()
      throw thrown
    }
  }

  const decoder = createDecoder(maxMessageBytes, {
    acquire: (bytes) => reservation?.acquire(bytes),
    release: (bytes) => reservation?.release(bytes),
  })
  inner.decoder = {
    write(data) {
      const messages = recordFault(() => {
        const whole = decoder.write(data)
        for (const one of whole) if (one[0] === 0) requireBoundedMessage(one.subarray(prefixBytes), input)
        return whole
      })
      watch?.alive()
      if (isStream && !decoder.isInMessage) stopWatch()
      else if (isStream) expectMore()
      return messages
    },
  }
  const decompress = inner.decompressMessage
  inner.maxReceiveMessageSize = maxMessageBytes
  inner.decompressMessage = async (message, encoding) => {
    if (encoding === 'identity') return decompress.call(call, message, encoding)
    // The size after decompression is unknown, so the largest possible size is charged until it is known.
    recordFault(() => reservation?.acquire(maxMessageBytes))
    const whole = await Promise.resolve(decompress.call(call, message, encoding)).catch((thrown: unknown) => {
      fault ??= decompressionFault(thrown, maxMessageBytes)
      throw thrown
    })
    // The remaining charge is that of an uncompressed message of this length.
    reservation?.release(maxMessageBytes - whole.length + message.length - prefixBytes)
    recordFault(() => requireBoundedMessage(whole, input))
    return whole
  }

  return {
    get fault() {
      return fault
    },
    begin(opened) {
      reservation = opened
      if (!isStream) expectMore()
    },
    refuse(why) {
      fault ??= why
      stopWatch()
    },
    halfClose: stopWatch,
    close() {
      stopWatch()
      decoder.close()
      inner.readQueue.length = 0
    },
  }
}

/** Maps the error of grpc-js for a failed decompression; undefined for an unknown encoding, which grpc-js reports well. */
function decompressionFault(thrown: unknown, maxMessageBytes: number): Fault | undefined {
  const { code } = thrown as { readonly code?: number }
  if (code === status.INTERNAL) return decodeError('its compressed bytes are damaged')
  return code === status.RESOURCE_EXHAUSTED ? messageTooLarge(undefined, maxMessageBytes) : undefined
}

function innerCallOf(call: ServerInterceptingCallInterface): InnerCall {
  const inner = call as unknown as Partial<InnerCall>
  const isKnown =
    typeof inner.decoder?.write === 'function' &&
    typeof inner.decompressMessage === 'function' &&
    typeof inner.maxReceiveMessageSize === 'number' &&
    typeof inner.isReadPending === 'boolean' &&
    Array.isArray(inner.readQueue)
  if (!isKnown) {
    throw new Error('This version of @grpc/grpc-js has another message decoder. Use version 1.14.7.')
  }
  return inner as InnerCall
}
