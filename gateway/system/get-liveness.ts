import { noInput } from '@pixelflow/core/inputs'
import { declareStream } from '../calls/declare-call.ts'

export const getLiveness = declareStream({
  name: 'getLiveness',
  tag: 'system',
  summary: 'Liveness probe',
  http: { method: 'GET', path: '/health/live' },
  access: 'probe',
  faults: [],
  limits: 'small',
  input: noInput,
})
