import { noInput } from '@pixelflow/core/inputs'
import { declareStream } from '../calls/declare-call.ts'

/** `PIXELFLOW_METRICS_ACCESS` can make it public, or remove it. */
export const getMetrics = declareStream({
  name: 'getMetrics',
  tag: 'system',
  summary: 'Get the metrics in the Prometheus text format',
  description: 'Not found with `PIXELFLOW_METRICS_ACCESS=off`; public with `PIXELFLOW_METRICS_ACCESS=open`.',
  http: { method: 'GET', path: '/metrics' },
  access: 'any',
  limits: 'small',
  input: noInput,
})
