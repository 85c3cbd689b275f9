import type { DescMethod } from '@bufbuild/protobuf'
import { ConnectError, createConnectRouter, createContextValues } from '@connectrpc/connect'
import { universalServerResponseToFetch, type UniversalServerResponse } from '@connectrpc/connect/protocol'
import { Fault } from '@pixelflow/core/fault'
import { shorten } from '@pixelflow/core/shorten'
import { Elysia } from 'elysia'
import type { MemoryReservation } from '../../../limits/request-memory.ts'
import { readBody, contentLengthOf } from '../../shared/read-body.ts'
import { requestContextOf, peerOf } from '../../shared/request-context.ts'
import { largestMessage } from '../rpc.ts'
import type { Services } from '../services.ts'
import { bindWebService } from './bind-web-service.ts'
import { toConnectError } from './connect-error.ts'
import { httpRequestKey, createWebInterceptor, type HttpRequestInfo } from './web-interceptor.ts'
import { readMessages } from './read-messages.ts'
import { binaryType, decodeText, encodeText, textModeOf, textType } from './grpc-web-text.ts'

/** gRPC-Web and Connect on the HTTP port; native gRPC needs trailers, which that port cannot send. */
export function grpcWeb({ callInterceptor, bind: bindServices }: Services, uploadIdleTimeoutMs: number) {
  const router = createConnectRouter({
    grpc: false,
    grpcWeb: true,
    connect: true,
    readMaxBytes: largestMessage,
    // As over HTTP: what is not known here is refused, and not passed over in silence.
    jsonOptions: { ignoreUnknownFields: false },
    requestGate: createWebInterceptor(callInterceptor),
  })
  bindServices((service, implementation) => bindWebService(router, service, implementation))

  const app = new Elysia({ name: 'grpc-web' })
  for (const handler of router.handlers) {
    app.post(
      handler.requestPath,
      async ({ request, server }) => {
        // A stream may be quiet for long; uploads are given up by themselves.
        server?.timeout(request, 0)
        const notes = requestContextOf(request)
        const carrier: HttpRequestInfo = { notes, peer: peerOf(request, server) }
        const header = new Headers(request.headers)
        header.set('x-request-id', notes.id)
        const contextValues = createContextValues().set(httpRequestKey, carrier)
        const { isRequestText, isResponseText } = textModeOf(header)
        if (isRequestText) header.set('content-type', binaryType)
        const alive = Object.assign(() => {}, { pauseMs: uploadIdleTimeoutMs })
        const bytes = readBody(request, alive, () => heldBytesOf(carrier))
        const body = received(isRequestText ? decodeText(bytes) : bytes, handler.method, request, carrier)
        const { method, url, signal } = request
        // The version that the library assumes of every fetch request; of 1.1 it would refuse streams in both directions.
        const answer = await handler({ httpVersion: '2', method, url, signal, body, header, contextValues })
        if (answer.status === 415) throw noProtocol(request)
        return universalServerResponseToFetch(isResponseText ? asText(answer) : answer)
      },
      { parse: 'none' },
    )
  }
  return app
}

/** What is wrong with the body is told by the call, in the form of its protocol. */
async function* received(
  bytes: AsyncIterable<Uint8Array>,
  method: DescMethod,
  request: Request,
  carrier: HttpRequestInfo,
): AsyncGenerator<Uint8Array, void> {
  const contentType = request.headers.get('content-type') ?? ''
  try {
    yield* readMessages(bytes, {
      method,
      contentType,
      length: contentLengthOf(request),
      held: () => heldBytesOf(carrier),
    })
  } catch (thrown) {
    // Those of the text form are the library's own.
    throw thrown instanceof ConnectError ? thrown : toConnectError(Fault.of(thrown), carrier.notes.id)
  }
}

function heldBytesOf({ visit }: HttpRequestInfo): MemoryReservation {
  if (visit) return visit.held
  throw new Error('The call has not been received.')
}

function asText({ header, body, ...answer }: UniversalServerResponse): UniversalServerResponse {
  const textHeader = new Headers(header)
  textHeader.set('content-type', textType)
  return {
    ...answer,
    header: textHeader,
    ...(body ? { body: encodeText(body) } : {}),
  }
}

/** Said by the content type, and by nothing else. */
function noProtocol(request: Request): Fault {
  const type = request.headers.get('content-type') ?? ''
  const isGrpc = /^application\/grpc(?:\+|;|$)/i.test(type)
  return new Fault('unsupported_format', `The content type "${shorten(type, 100)}" does not fit this call.`, {
    field: 'Content-Type',
    remedy: isGrpc
      ? 'Call the gRPC port: gRPC needs trailers, which this port cannot send.'
      : 'Send application/json or application/proto for a plain call; a stream is application/connect+json or ' +
        'application/connect+proto; gRPC-Web is application/grpc-web+proto or application/grpc-web-text.',
  })
}
