import type { DescMessage } from '@bufbuild/protobuf'
import { status, type ServerInterceptingCallInterface } from '@grpc/grpc-js'
import { Fault } from '@pixelflow/core/fault'
import type { IdleWatch } from '../../../limits/idle-watch.ts'
import type { MemoryReservation } from '../../../limits/request-memory.ts'
import { pausedUpload } from '../../../images/receive-image.ts'
import { decodeError } from '../decode-error.ts'
import { requireBoundedMessage } from '../message-bounds.ts'
import { headBytes, messageTooLarge, type MemoryCharge, type MessageDecoder } from './message-pool.ts'

/**
 * What is used of the inside of grpc-js's innermost call. No upstream issue is known. Remove this when grpc-js 1.14.7 is
 * followed by a version in which an interceptor can choose the decoder of a call and its largest message.
 */
interface Inside {
  decoder: { write(data: Buffer): Buffer[] }
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>
  maxReceiveMessageSize: number
  readonly isReadPending: boolean
  readonly readQueue: unknown[]
}

/** The messages of one call while they come: each byte is charged, and they must not stay away for too long. */
export interface MessageReceiver {
  /** Why they were refused, once they were. */
  readonly fault: Fault | undefined
  /** The call was received, and its messages may come. */
  begin(held: MemoryReservation): void
  /** Refuses the messages for another reason: the one that just came cannot be decoded. */
  refuse(fault: Fault): void
  /** The client has sent all it will. */
  halfClosed(): void
  /** The call has ended. Its client may keep the stream open for ever: nothing of the messages stays. */
  close(): void
}

export interface MessageReceiverNeeds {
  readonly call: ServerInterceptingCallInterface
  /** What the messages are. */
  readonly input: DescMessage
  readonly largestMessage: number
  readonly createMessageDecoder: (largestMessage: number, held: MemoryCharge) => MessageDecoder
  /** Whether the client sends a stream, which may be quiet between two messages. */
  readonly isStream: boolean
  readonly idle: IdleWatch
  /** Called when the client has paused for too long. */
  readonly onIdle: (fault: Fault) => void
}

/** Has a call of grpc-js read by us. @throws Error when this version of grpc-js is made otherwise. */
export function createMessageReceiver(needs: MessageReceiverNeeds): MessageReceiver {
  const { call, input, largestMessage, createMessageDecoder, isStream, idle, onIdle } = needs
  const inside = insideOf(call)
  let held: MemoryReservation | undefined
  let fault: Fault | undefined
  let awaited: ReturnType<IdleWatch['begin']> | undefined
  const expectMore = () => {
    awaited ??= idle.begin(() => {
      awaited = undefined
      // Whoever reads has no time for more just now: it is not the client who pauses.
      if (!inside.isReadPending) return expectMore()
      fault = pausedUpload(idle.idleMs)
      onIdle(fault)
    })
  }
  const end = () => {
    awaited?.end()
    awaited = undefined
  }
  const refusing = <T>(work: () => T): T => {
    try {
      return work()
    } catch (thrown) {
      fault ??= Fault.of(thrown)
      end()
      throw thrown
    }
  }

  const decoder = createMessageDecoder(largestMessage, {
    take: (bytes) => held?.take(bytes),
    give: (bytes) => held?.give(bytes),
  })
  inside.decoder = {
    write(data) {
      const messages = refusing(() => {
        const whole = decoder.write(data)
        for (const one of whole) if (one[0] === 0) requireBoundedMessage(one.subarray(headBytes), input)
        return whole
      })
      awaited?.alive()
      if (isStream && !decoder.isInMessage) end()
      else if (isStream) expectMore()
      return messages
    },
  }
  const decompress = inside.decompressMessage
  inside.maxReceiveMessageSize = largestMessage
  inside.decompressMessage = async (message, encoding) => {
    if (encoding === 'identity') return decompress.call(call, message, encoding)
    // How large it becomes is known afterwards only.
    refusing(() => held?.take(largestMessage))
    const whole = await Promise.resolve(decompress.call(call, message, encoding)).catch((thrown: unknown) => {
      fault ??= damagedOf(thrown, largestMessage)
      throw thrown
    })
    // What stays is the charge for a message of this length that was not compressed.
    held?.give(largestMessage - whole.length + message.length - headBytes)
    refusing(() => requireBoundedMessage(whole, input))
    return whole
  }

  return {
    get fault() {
      return fault
    },
    begin(its) {
      held = its
      if (!isStream) expectMore()
    },
    refuse(why) {
      fault ??= why
      end()
    },
    halfClosed: end,
    close() {
      end()
      decoder.close()
      inside.readQueue.length = 0
    },
  }
}

/**
 * What grpc-js rejects with when a message cannot be decompressed, as our fault; undefined for an
 * encoding that is not known.
 */
function damagedOf(thrown: unknown, largestMessage: number): Fault | undefined {
  const { code } = thrown as { readonly code?: number }
  if (code === status.INTERNAL) return decodeError('its compressed bytes are damaged')
  return code === status.RESOURCE_EXHAUSTED ? messageTooLarge(undefined, largestMessage) : undefined
}

function insideOf(call: ServerInterceptingCallInterface): Inside {
  const inside = call as unknown as Partial<Inside>
  const isKnown =
    typeof inside.decoder?.write === 'function' &&
    typeof inside.decompressMessage === 'function' &&
    typeof inside.maxReceiveMessageSize === 'number' &&
    typeof inside.isReadPending === 'boolean' &&
    Array.isArray(inside.readQueue)
  if (!isKnown) throw new Error('This version of @grpc/grpc-js reads its streams elsewhere.')
  return inside as Inside
}
