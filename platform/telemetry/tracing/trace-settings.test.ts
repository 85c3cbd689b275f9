import { describe, expect, test } from 'bun:test'
import { InvalidSettings, readSettings } from '../../config/read-settings.ts'
import { traceSettings } from './trace-settings.ts'

function problem(variable: string, value: string): string {
  try {
    readSettings(traceSettings, { [variable]: value })
  } catch (thrown) {
    if (thrown instanceof InvalidSettings) return thrown.message
    throw thrown
  }
  throw new Error(`${variable}=${value} is accepted`)
}

describe('settings of tracing', () => {
  test('are off by default', () => {
    expect(readSettings(traceSettings, {})).toMatchObject({
      otlpEndpoint: undefined,
      traceRingFolder: undefined,
      sampler: 'parentbased_always_on',
    })
  })

  test('accept what the documents of OpenTelemetry show', () => {
    const settings = readSettings(traceSettings, {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example.com:4318/prefix/',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc%3D%3D, x-team=images',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.05',
    })
    expect(settings).toMatchObject({
      otlpHeaders: { authorization: 'Bearer abc==', 'x-team': 'images' },
      otlpTimeoutMs: 5000,
      samplerArg: '0.05',
    })
  })

  test.each(['0', '1', '0.5', '.5', '1.0', '0.000001'])('accept the ratio %s', (ratio) => {
    expect(readSettings(traceSettings, { OTEL_TRACES_SAMPLER_ARG: ratio }).samplerArg).toBe(ratio)
  })

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4317', 'is not an HTTP address'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:secret@collector:4318', 'OTEL_EXPORTER_OTLP_HEADERS'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector:4317', 'is not an HTTP address'],
    ['OTEL_SDK_DISABLED', 'maybe', 'Give one of true, false'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'Give one of http/protobuf'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization', 'is not a header'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a b=1', 'is not a header'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%0d%0a', 'is not a header'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '0', 'is below 100ms'],
    ['OTEL_TRACES_SAMPLER', 'sometimes', 'Give one of always_on, always_off, traceidratio'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5', 'is not a ratio from 0 to 1'],
    ['OTEL_TRACES_SAMPLER_ARG', '5%', 'is not a ratio from 0 to 1'],
    ['PIXELFLOW_TRACE_RING_SIZE', 'much', 'is not a number with one of the units'],
  ])('%s=%s is refused', (variable, value, text) => {
    const message = problem(variable, value)
    expect(message).toStartWith(variable)
    expect(message).toContain(text)
    expect(message).not.toContain('secret@')
  })
})
