import type { DescMethod } from '@bufbuild/protobuf'
import { ConnectError, createConnectRouter, createContextValues } from '@connectrpc/connect'
import { universalServerResponseToFetch, type UniversalServerResponse } from '@connectrpc/connect/protocol'
import { Fault } from '@pixelflow/core/fault'
import { shorten } from '@pixelflow/core/shorten'
import { Elysia } from 'elysia'
import type { MemoryReservation } from '../../../limits/request-memory.ts'
import { readBody, contentLengthOf } from '../../shared/read-body.ts'
import { requestContextOf, peerOf } from '../../shared/request-context.ts'
import { maxMessageBytes } from '../../../calls/max-request-bytes.ts'
import type { Services } from '../create-services.ts'
import { bindWebService, fullDuplexRemedy, needsFullDuplex } from './bind-web-service.ts'
import { toConnectError } from './to-connect-error.ts'
import { httpRequestKey, createWebInterceptor, type HttpRequestInfo } from './web-interceptor.ts'
import { readMessages } from './read-messages.ts'
import { binaryType, decodeText, encodeText, textModeOf, textType } from './text-mode.ts'

/** gRPC-Web and Connect on the HTTP port. Native gRPC needs trailers, which `Bun.serve` cannot send, and has its own port. */
export function grpcWebRoutes(
  { callInterceptor, bind: bindServices }: Services,
  uploadIdleTimeoutMs: number,
) {
  const router = createConnectRouter({
    grpc: false,
    grpcWeb: true,
    connect: true,
    readMaxBytes: maxMessageBytes,
    // REST refuses unknown fields too, so that a misspelt field is not silently ignored.
    jsonOptions: { ignoreUnknownFields: false },
    requestGate: createWebInterceptor(callInterceptor),
  })
  bindServices((service, implementation) => bindWebService(router, service, implementation))

  const app = new Elysia({ name: 'grpc-web' })
  for (const handler of router.handlers) {
    app.post(
      handler.requestPath,
      async ({ request, server }) => {
        // Streams may be idle for long. Idle uploads end by their own timeout.
        server?.timeout(request, 0)
        const context = requestContextOf(request)
        const info: HttpRequestInfo = { request: context, peer: peerOf(request, server) }
        const header = new Headers(request.headers)
        header.set('x-request-id', context.id)
        const contextValues = createContextValues().set(httpRequestKey, info)
        const { isRequestText, isResponseText } = textModeOf(header)
        if (isRequestText) header.set('content-type', binaryType)
        const idleTimeout = Object.assign(() => {}, { pauseMs: uploadIdleTimeoutMs })
        const bytes = readBody(request, idleTimeout, () => reservationOf(info))
        const body = requestBody(isRequestText ? decodeText(bytes) : bytes, handler.method, request, info)
        const { method, url, signal } = request
        // With HTTP/1.1 connect-es would refuse the bidirectional ProcessImage, which this server serves half-duplex.
        const response = await handler({ httpVersion: '2', method, url, signal, body, header, contextValues })
        if (response.status === 415) throw unsupportedContentType(request, handler.method)
        return universalServerResponseToFetch(isResponseText ? toTextResponse(response) : response)
      },
      { parse: 'none' },
    )
  }
  return app
}

/** Faults of the body become errors of the call, in the format of its protocol. */
async function* requestBody(
  bytes: AsyncIterable<Uint8Array>,
  method: DescMethod,
  request: Request,
  info: HttpRequestInfo,
): AsyncGenerator<Uint8Array, void> {
  const contentType = request.headers.get('content-type') ?? ''
  try {
    yield* readMessages(bytes, {
      method,
      contentType,
      length: contentLengthOf(request),
      reservation: () => reservationOf(info),
    })
  } catch (thrown) {
    // The base64 decoder throws ConnectErrors itself.
    throw thrown instanceof ConnectError
      ? thrown
      : toConnectError(Fault.of(thrown), { requestId: info.request.id, traceId: info.call?.traceId })
  }
}

function reservationOf({ call }: HttpRequestInfo): MemoryReservation {
  if (call) return call.reservation
  throw new Error('The call has no context: the interceptor has not seen its headers.')
}

function toTextResponse({ header, body, ...response }: UniversalServerResponse): UniversalServerResponse {
  const textHeader = new Headers(header)
  textHeader.set('content-type', textType)
  return {
    ...response,
    header: textHeader,
    ...(body ? { body: encodeText(body) } : {}),
  }
}

/** Only the content type tells the protocols apart. */
function unsupportedContentType(request: Request, method: DescMethod): Fault {
  const type = request.headers.get('content-type') ?? ''
  const isGrpc = /^application\/grpc(?:\+|;|$)/i.test(type)
  return new Fault(
    'unsupported_format',
    type === ''
      ? 'Content-Type is missing.'
      : `Content-Type ${shorten(type, 100)} is not supported for this method.`,
    {
      field: 'Content-Type',
      remedy: isGrpc
        ? 'Use the gRPC port: gRPC needs trailers, which this port cannot send.'
        : acceptedContentTypes(method),
    },
  )
}

function acceptedContentTypes(method: DescMethod): string {
  if (needsFullDuplex(method)) return fullDuplexRemedy
  const connect =
    method.methodKind === 'unary'
      ? 'application/json or application/proto'
      : 'application/connect+json or application/connect+proto'
  return `Send ${connect}, or application/grpc-web+proto or application/grpc-web-text for gRPC-Web.`
}
