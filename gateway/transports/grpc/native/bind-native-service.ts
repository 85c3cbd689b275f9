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
import { faultOf, type CallContext } from '../call-interceptor.ts'
import { decodeError } from '../decode-error.ts'
import type { Call, Implementation } from '../rpc.ts'
import { costOf, type MessagePool } from './message-pool.ts'
import { toStatusError, responseMetadata } from './metadata.ts'
import { createSendBudget, type MessageSink } from './send-budget.ts'
import type { NativeInterceptor } from './native-interceptor.ts'
import { UndecodableMessage } from './undecodable-message.ts'

type Sent = MessageInitShape<DescMessage>
type Single = (input: Message | AsyncIterable<Message>, call: Call) => Promise<Sent>
type Many = (input: Message | AsyncIterable<Message>, call: Call) => AsyncIterable<Sent>

/** What all kinds of call have in common. */
interface Receiving extends EventEmitter {
  readonly metadata: grpc.Metadata
  sendMetadata(metadata: grpc.Metadata): void
}

/** What the two kinds that send streams have besides. */
interface Sending extends Receiving, MessageSink {
  end(): unknown
}

/** Serves an implementation over native gRPC. */
export function bindNativeService<S extends DescService>(
  server: grpc.Server,
  service: S,
  implementation: Implementation<S>,
  reception: NativeInterceptor,
  frames?: MessagePool,
): void {
  const methods = implementation as Readonly<Record<string, unknown>>
  const handlers = service.methods.map((method) => [
    method.localName,
    handlerOf(method, methods[method.localName], reception, frames),
  ])
  const handlersByName = Object.fromEntries(handlers) as grpc.UntypedServiceImplementation
  for (const method of service.methods) reception.open(pathOf(method), method)
  server.addService(definitionOf(service, frames), handlersByName)
}

function handlerOf(
  method: DescMethod,
  implemented: unknown,
  reception: NativeInterceptor,
  frames?: MessagePool,
) {
  switch (method.methodKind) {
    case 'unary':
      return (call: grpc.ServerUnaryCall<Message, Message>, reply: grpc.sendUnaryData<Message>) =>
        void answerOnce(call, () => call.request, reply)
    case 'client_streaming':
      return (call: grpc.ServerReadableStream<Message, Message>, reply: grpc.sendUnaryData<Message>) =>
        void answerOnce(call, (visit) => messagesOf(call, visit.held, frames), reply)
    case 'server_streaming':
      return (call: grpc.ServerWritableStream<Message, Message>) => void answerOften(call, () => call.request)
    case 'bidi_streaming':
      // Their bytes may be kept until the answer, so nothing of them is used again.
      return (call: grpc.ServerDuplexStream<Message, Message>) =>
        void answerOften(call, (visit) => messagesOf(call, visit.held))
  }

  async function answerOnce(
    call: Receiving,
    input: (visit: CallContext) => Message | AsyncIterable<Message>,
    reply: grpc.sendUnaryData<Message>,
  ): Promise<void> {
    const visit = reception.take(call.metadata)
    try {
      const sent = await visit.storeTimeout.call(() => (implemented as Single)(input(visit), visit))
      // What comes after its client has left is not what the client has got.
      visit.signal.throwIfAborted()
      call.sendMetadata(responseMetadata(visit))
      reply(null, create(method.output, sent))
      visit.ended()
    } catch (thrown) {
      const fault = faultOf(thrown, visit.signal)
      reply(toStatusError(fault, visit.requestId))
      visit.ended(fault)
    }
  }

  async function answerOften(
    call: Sending,
    input: (visit: CallContext) => Message | AsyncIterable<Message>,
  ): Promise<void> {
    const visit = reception.take(call.metadata)
    // Also what is written after the client has gone ends here.
    call.on('error', () => {})
    let isFirst = true
    const outflow = createSendBudget(call, visit.signal)
    const begin = () => {
      if (isFirst) call.sendMetadata(responseMetadata(visit))
      isFirst = false
    }
    try {
      for await (const sent of visit.storeTimeout.stream((implemented as Many)(input(visit), visit))) {
        visit.signal.throwIfAborted()
        begin()
        await outflow.send(create(method.output, sent))
      }
      begin()
      call.end()
      visit.ended()
    } catch (thrown) {
      const fault = faultOf(thrown, visit.signal)
      // Whoever iterates over the messages of a call takes its error for a reason to destroy it, and does so before the
      // status is sent while something else still is.
      await outflow.passed()
      call.emit('error', toStatusError(fault, visit.requestId))
      visit.ended(fault)
    }
  }
}

/** Messages read ahead of the implementation. Each may be as large as a message can be; sixteen would be usual. */
const mostAhead = 2

/** What each message was charged with. */
const costs = new WeakMap<object, number>()

/** Each is good until the next one is asked for. Leaving the loop must not destroy the call, or its status would never be sent. */
function messagesOf(call: Readable, held: MemoryReservation, frames?: MessagePool): AsyncIterable<Message> {
  const inside = call as Readable & { readonly _readableState?: { highWaterMark: number } }
  if (inside._readableState) inside._readableState.highWaterMark = mostAhead
  const source: AsyncIterator<Message, undefined> = call.iterator({ destroyOnReturn: false })
  let last: Message | undefined
  const keep = (found: IteratorResult<Message, undefined>) => {
    last = found.value
    return found
  }
  const messages: AsyncIterator<Message, undefined> = {
    next() {
      if (last) {
        held.give(costs.get(last) ?? 0)
        frames?.giveBack(last)
      }
      last = undefined
      return source.next().then(keep)
    },
    return: async () => (await source.return?.()) ?? { done: true, value: undefined },
  }
  return { [Symbol.asyncIterator]: () => messages }
}

function definitionOf(service: DescService, frames?: MessagePool): grpc.ServiceDefinition {
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
        } catch (thrown) {
          // The interceptor ends the call with it, so no implementation sees it.
          return new UndecodableMessage(decodeError((thrown as Error).message, thrown)) as unknown as Message
        }
        costs.set(message, costOf(bytes.length))
        return frames ? frames.lend(message, bytes) : message
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
