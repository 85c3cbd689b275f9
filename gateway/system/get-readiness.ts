import { noInput } from '@pixelflow/core/inputs'
import { declareStream } from '../calls/declare-call.ts'

export const getReadiness = declareStream({
  name: 'getReadiness',
  tag: 'system',
  summary: 'Readiness probe',
  http: { method: 'GET', path: '/health/ready' },
  access: 'probe',
  faults: [],
  limits: 'small',
  input: noInput,
})
