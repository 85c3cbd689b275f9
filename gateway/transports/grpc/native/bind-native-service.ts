import type { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf'
import type * as grpc from '@grpc/grpc-js'
import type { MemoryReservation } from '../../../limits/request-memory.ts'
import { toCallFault, type CallContext } from '../call-context.ts'
import { decodeError } from '../decode-error.ts'
import { messageCharge } from '../message-decoder.ts'
import { decodeStructs } from '../decode-structs.ts'
import type { Call, Implementation } from '../implementation.ts'
import type { MessagePool } from './message-pool.ts'
import { toStatusError, responseMetadata } from './metadata.ts'
import { createSendBudget, type MessageSink } from './send-budget.ts'
import type { NativeInterceptor } from './native-interceptor.ts'
import { UndecodableMessage } from './undecodable-message.ts'

type Sent = MessageInitShape<DescMessage>
type UnaryFunction = (input: Message | AsyncIterable<Message>, call: Call) => Promise<Sent>
type StreamFunction = (input: Message | AsyncIterable<Message>, call: Call) => AsyncIterable<Sent>

/** The members that all kinds of grpc-js call have. */
interface ServerCall extends EventEmitter {
  readonly metadata: grpc.Metadata
  sendMetadata(metadata: grpc.Metadata): void
}

/** The additional members of calls that stream responses. */
interface StreamingCall extends ServerCall, MessageSink {
  end(): unknown
}

/** Registers an implementation with a grpc-js server. */
export function bindNativeService<S extends DescService>(
  server: grpc.Server,
  service: S,
  implementation: Implementation<S>,
  interceptor: NativeInterceptor,
  pool?: MessagePool,
): void {
  const methods = implementation as Readonly<Record<string, unknown>>
  const handlers = service.methods.map((method) => [
    method.localName,
    handlerOf(method, methods[method.localName], interceptor, pool),
  ])
  const handlersByName = Object.fromEntries(handlers) as grpc.UntypedServiceImplementation
  for (const method of service.methods) interceptor.register(pathOf(method), method)
  server.addService(definitionOf(service, pool), handlersByName)
}

function handlerOf(
  method: DescMethod,
  implemented: unknown,
  interceptor: NativeInterceptor,
  pool?: MessagePool,
) {
  switch (method.methodKind) {
    case 'unary':
      return (call: grpc.ServerUnaryCall<Message, Message>, reply: grpc.sendUnaryData<Message>) =>
        void respondOnce(call, () => call.request, reply)
    case 'client_streaming':
      return (call: grpc.ServerReadableStream<Message, Message>, reply: grpc.sendUnaryData<Message>) =>
        void respondOnce(call, (context) => messagesOf(call, context.reservation, pool), reply)
    case 'server_streaming':
      return (call: grpc.ServerWritableStream<Message, Message>) =>
        void respondStream(call, () => call.request)
    case 'bidi_streaming':
      // The implementation may keep bytes of several messages, so these calls use no pooled buffers.
      return (call: grpc.ServerDuplexStream<Message, Message>) =>
        void respondStream(call, (context) => messagesOf(call, context.reservation))
  }

  async function respondOnce(
    call: ServerCall,
    input: (context: CallContext) => Message | AsyncIterable<Message>,
    reply: grpc.sendUnaryData<Message>,
  ): Promise<void> {
    const context = interceptor.takeContext(call.metadata)
    try {
      const sent = await context.storeTimeout.call(() =>
        (implemented as UnaryFunction)(input(context), context),
      )
      // A response after the cancellation does not reach the client, so it does not count as success.
      context.signal.throwIfAborted()
      call.sendMetadata(responseMetadata(context))
      reply(null, create(method.output, sent))
      context.end()
    } catch (thrown) {
      const fault = toCallFault(thrown, context.signal)
      reply(toStatusError(fault, context))
      context.end(fault)
    }
  }

  async function respondStream(
    call: StreamingCall,
    input: (context: CallContext) => Message | AsyncIterable<Message>,
  ): Promise<void> {
    const context = interceptor.takeContext(call.metadata)
    // Writes after the client has disconnected emit errors on the call; the signal already reports that end.
    call.on('error', () => {})
    let isFirst = true
    const budget = createSendBudget(call, context.signal)
    const begin = () => {
      if (isFirst) call.sendMetadata(responseMetadata(context))
      isFirst = false
    }
    try {
      for await (const sent of context.storeTimeout.stream(
        (implemented as StreamFunction)(input(context), context),
      )) {
        context.signal.throwIfAborted()
        begin()
        await budget.send(create(method.output, sent))
      }
      begin()
      call.end()
      context.end()
    } catch (thrown) {
      const fault = toCallFault(thrown, context.signal)
      // The error also destroys the call's request iterator. With writes pending, that happens before grpc-js sends the
      // status, and the client would never see it.
      await budget.drain()
      call.emit('error', toStatusError(fault, context))
      context.end(fault)
    }
  }
}

/**
 * Messages that grpc-js reads ahead of the implementation. Its default of 16 would hold 64 MiB for one call, and it has no
 * option for it (https://github.com/grpc/grpc-node/issues/123), so this changes a private member of the stream. Remove this
 * when it has one and `bind-native-service.test.ts` passes with it.
 */
const maxReadAhead = 2

/** The memory charge of each message. */
const charges = new WeakMap<object, number>()

/**
 * The messages of a request stream. Each stays valid until the next one is requested. The iterator must not destroy the
 * call when a loop is left early, because grpc-js could not send the status then.
 */
function messagesOf(
  call: Readable,
  reservation: MemoryReservation,
  pool?: MessagePool,
): AsyncIterable<Message> {
  const inner = call as Readable & { readonly _readableState?: { highWaterMark: number } }
  if (inner._readableState) inner._readableState.highWaterMark = maxReadAhead
  const iterator: AsyncIterator<Message, undefined> = call.iterator({ destroyOnReturn: false })
  let last: Message | undefined
  const remember = (found: IteratorResult<Message, undefined>) => {
    last = found.value
    return found
  }
  const messages: AsyncIterator<Message, undefined> = {
    next() {
      if (last) {
        reservation.release(charges.get(last) ?? 0)
        pool?.release(last)
      }
      last = undefined
      return iterator.next().then(remember)
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  }
  return { [Symbol.asyncIterator]: () => messages }
}

function definitionOf(service: DescService, pool?: MessagePool): grpc.ServiceDefinition {
  const rows = service.methods.map((method) => {
    const { localName, methodKind, input, output } = method
    const row: grpc.MethodDefinition<Message, Message> = {
      path: pathOf(method),
      originalName: localName,
      requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
      responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
      requestSerialize: (message) => bytesOf(input, message),
      requestDeserialize: (bytes) => {
        let message: Message
        try {
          message = fromBinary(input, bytes)
          decodeStructs(input, message, bytes)
        } catch (thrown) {
          // The interceptor ends the call with this fault, so no implementation sees it.
          return new UndecodableMessage(decodeError((thrown as Error).message, thrown)) as unknown as Message
        }
        charges.set(message, messageCharge(bytes.length))
        return pool ? pool.track(message, bytes) : message
      },
      responseSerialize: (message) => bytesOf(output, message),
      responseDeserialize: (bytes) => fromBinary(output, bytes),
    }
    return [localName, row]
  })
  return Object.fromEntries(rows) as grpc.ServiceDefinition
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`
}

function bytesOf(schema: DescMessage, message: Message): Buffer {
  const { buffer, byteOffset, byteLength } = toBinary(schema, message)
  return Buffer.from(buffer, byteOffset, byteLength)
}
