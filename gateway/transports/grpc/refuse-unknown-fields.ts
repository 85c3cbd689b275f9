import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import { findUnknownField } from '@pixelflow/proto/message-json'
import { refuseMessage } from './refuse-message.ts'
import type { Call } from './implementation.ts'

type Method = (request: Message | AsyncIterable<Message>, call: Call) => unknown

/**
 * Streaming methods that refuse a message with a field that the proto does not have, as unary methods do: a server that is
 * older than its client must not ignore what was asked for.
 */
export function refuseUnknownFields<Methods extends object>(service: DescService, methods: Methods): Methods {
  const checked = Object.entries(methods as Readonly<Record<string, Method>>).map(([name, implemented]) => {
    const method = service.method[name] as DescMethod
    const isStreamIn = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming'
    const check = (request: Message): Message => {
      const problem = findUnknownField(method.input, request)
      return problem ? refuseMessage(problem) : request
    }
    const run: Method = (request, call) =>
      implemented(
        isStreamIn ? mapMessages(request as AsyncIterable<Message>, check) : check(request as Message),
        call,
      )
    return [
      name,
      method.methodKind === 'unary' || method.methodKind === 'client_streaming' ? deferred(run) : run,
    ]
  })
  return Object.fromEntries(checked) as Methods
}

/** A method with one response rejects and does not throw. */
function deferred(run: Method): Method {
  return async (request, call) => run(request, call)
}

/** Reads each message only when it is asked for: its bytes are valid until the next one is. */
function mapMessages(
  messages: AsyncIterable<Message>,
  check: (message: Message) => Message,
): AsyncIterable<Message> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]()
      return {
        async next() {
          const found = await iterator.next()
          return found.done === true ? found : { done: false, value: check(found.value) }
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      }
    },
  }
}
