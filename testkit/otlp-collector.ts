import { gunzipSync } from 'node:zlib'
import { decodeOtlpTraces, type CollectedSpan } from './decode-otlp-traces.ts'

export interface CollectedRequest {
  readonly path: string
  readonly contentType: string | null
  readonly headers: Headers
}

export interface OtlpCollector extends AsyncDisposable {
  /** The value of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string
  readonly spans: readonly CollectedSpan[]
  readonly requests: readonly CollectedRequest[]
  /** How further requests are answered; `never` leaves them without an answer until they are aborted. */
  answer: 'ok' | 'unavailable' | 'never'
}

/**
 * A receiver of OTLP over HTTP on a port of this machine, with protobuf messages. With the `port` of an earlier one it is its
 * successor.
 */
export function startOtlpCollector({ port = 0 }: { port?: number } = {}): OtlpCollector {
  const spans: CollectedSpan[] = []
  const requests: CollectedRequest[] = []
  const disposed = Promise.withResolvers<void>()
  const collector = {
    endpoint: '',
    spans,
    requests,
    answer: 'ok' as OtlpCollector['answer'],
    async [Symbol.asyncDispose]() {
      disposed.resolve()
      await server.stop(true)
    },
  }
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port,
    async fetch(request) {
      const { headers } = request
      const body = await request.bytes()
      requests.push({
        path: new URL(request.url).pathname,
        contentType: headers.get('content-type'),
        headers,
      })
      if (collector.answer === 'never') await disposed.promise
      if (collector.answer !== 'ok') return new Response('unavailable', { status: 503 })
      const isCompressed = headers.get('content-encoding') === 'gzip'
      spans.push(...decodeOtlpTraces(isCompressed ? gunzipSync(body) : body))
      // An empty ExportTraceServiceResponse.
      return new Response(new Uint8Array(), { headers: { 'content-type': 'application/x-protobuf' } })
    },
  })
  collector.endpoint = `http://127.0.0.1:${server.port}`
  return collector
}
