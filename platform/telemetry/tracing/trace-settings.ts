import { z } from 'zod'
import type { Values } from '../../config/read-settings.ts'
import { bytes, choice, duration, secret, text } from '../../config/setting.ts'

const MiB = 2 ** 20

/** Samplers, by the names of OpenTelemetry. */
export const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

const addressPattern = /^https?:\/\/[^\s/@?#]+(?:\/[^\s@?#]*)?$/
const describeAddress = (url: string) =>
  url.includes('@')
    ? 'contains a user or a password, which belong in OTEL_EXPORTER_OTLP_HEADERS'
    : 'is not an HTTP address'

/** Settings of tracing, for every service. Those of OpenTelemetry have their standard names. */
export const traceSettings = {
  otlpEndpoint: text('OTEL_EXPORTER_OTLP_ENDPOINT', {
    default: undefined,
    expects: 'an address such as http://127.0.0.1:4318, to which /v1/traces is appended',
    pattern: addressPattern,
    describeMismatch: describeAddress,
    help: 'The collector that spans are sent to, with OTLP over HTTP. Unset: spans are not sent.',
  }),
  otlpTracesEndpoint: text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', {
    default: undefined,
    defaultDescription: 'that of OTEL_EXPORTER_OTLP_ENDPOINT',
    expects: 'an address such as http://127.0.0.1:4318/v1/traces, to which nothing is appended',
    pattern: addressPattern,
    describeMismatch: describeAddress,
    help: 'The complete address that spans are sent to. It takes precedence over OTEL_EXPORTER_OTLP_ENDPOINT.',
  }),
  otelDisabled: choice('OTEL_SDK_DISABLED', ['true', 'false'], {
    default: 'false',
    help: 'With `true`, spans are not sent, whatever the other settings of OpenTelemetry say. The recent traces are still recorded.',
  }),
  otlpProtocol: choice('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf'], {
    default: 'http/protobuf',
    help: 'The protocol of the collector. Use the HTTP port of a collector, which is 4318 by default.',
  }),
  otlpHeaders: secret('OTEL_EXPORTER_OTLP_HEADERS', {
    schema: z.string().transform(parseHeaders),
    expects: 'pairs such as authorization=Bearer%20abc,x-team=images, with percent-encoded values',
    help: 'Headers of requests to the collector.',
  }),
  otlpTimeoutMs: duration('OTEL_EXPORTER_OTLP_TIMEOUT', {
    default: 10_000,
    min: 100,
    max: 60_000,
    help: 'Time limit of a request to the collector, with its retries. Beyond it, its spans are lost.',
  }),
  otlpCertificateFile: text('OTEL_EXPORTER_OTLP_CERTIFICATE', {
    default: undefined,
    defaultDescription: 'the authorities that the system trusts',
    expects: 'the path of a PEM file',
    help: 'The certificate authority of the collector.',
  }),
  sampler: choice('OTEL_TRACES_SAMPLER', samplerNames, {
    default: 'parentbased_always_on',
    help: 'Which traces are sent to the collector. The parentbased ones follow the `traceparent` of the caller if there is one.',
  }),
  samplerArg: text('OTEL_TRACES_SAMPLER_ARG', {
    default: undefined,
    defaultDescription: '1',
    expects: 'a ratio from 0 to 1, such as 0.05',
    pattern: /^(?:0|1|0?\.\d+|[01]\.0*|0\.\d+)$/,
    describeMismatch: () => 'is not a ratio from 0 to 1',
    help: 'The ratio of traces that `traceidratio` and `parentbased_traceidratio` select.',
  }),
  traceRingFolder: text('PIXELFLOW_TRACE_RING_DIR', {
    default: undefined,
    defaultDescription: 'unset; `./pixelflow up` on a loopback address: traces in PIXELFLOW_DATA_DIR',
    expects: 'the path of a folder that no other user can enter, or that does not exist',
    help: 'Folder of the recent traces, which `./pixelflow trace` reads. Processes of one machine share it. It is created when it does not exist; the mode of an existing folder is not changed. Unset: traces are not recorded.',
  }),
  traceRingBytes: bytes('PIXELFLOW_TRACE_RING_SIZE', {
    default: 32 * MiB,
    max: 16 * 1024 * MiB,
    help: 'Limit of the recent traces; the oldest are deleted. 0 turns them off; a task takes about 5 KiB.',
  }),
}

export type TraceSettings = Values<typeof traceSettings>

/** Parses `name=value,name=value`, as OpenTelemetry defines it. */
function parseHeaders(text: string, context: z.RefinementCtx): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const pair of text.split(',').filter((one) => one.trim() !== '')) {
    const [name = '', ...rest] = pair.split('=')
    const value = decode(rest.join('=').trim())
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name.trim()) || value === undefined || /[\r\n\0]/.test(value)) {
      context.addIssue('contains a pair that is not a header')
      return z.NEVER
    }
    headers[name.trim()] = value
  }
  return headers
}

function decode(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
