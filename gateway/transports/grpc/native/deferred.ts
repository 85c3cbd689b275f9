import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'

/**
 * Lets the stack unwind after each message. On Bun a write calls back at once, from inside the end of another stream;
 * thousands of calls on one connection would nest until the process dies.
 */
export const deferWrites: ServerInterceptor = (_, call) => new DeferredCall(call)

class DeferredCall extends ServerInterceptingCall {
  override sendMessage(...[message, sent]: Parameters<ServerInterceptingCall['sendMessage']>): void {
    super.sendMessage(message, () => process.nextTick(sent))
  }
}
