import { expect, test } from 'bun:test'
import { unknownSettings } from './unknown-settings.ts'

test('a misspelt setting is found, with the setting that was meant', () => {
  const env = {
    HOME: '/root',
    PIXELFLOW_MAX_PIXELS: '1',
    PIXELFLOW_API_TOKENS_FILE: 'tokens',
    PIXELFLOW_TASK_RETENTON: '1d',
    PIXELFLOW_API_TOKEN_FILE: 'tokens',
    PIXELFLOW_SOMETHING_OF_ITS_OWN: '1',
    PIXELFLOW_TEST_CLOCK_FILE: 'clock',
    OTEL_EXPORTER_OTLP_HEADERS_FILE: 'headers',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=b',
    OTEL_METRICS_EXPORTER: 'none',
  }
  expect(unknownSettings(env)).toEqual([
    { name: 'PIXELFLOW_TASK_RETENTON', closest: 'PIXELFLOW_TASK_RETENTION' },
    { name: 'PIXELFLOW_API_TOKEN_FILE', closest: 'PIXELFLOW_API_TOKENS_FILE' },
    { name: 'PIXELFLOW_SOMETHING_OF_ITS_OWN' },
    { name: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS' },
  ])
})
