import { noInput } from '@pixelflow/core/inputs'
import { declareStream } from '../calls/declare-call.ts'

export const getHealth = declareStream({
  name: 'getHealth',
  tag: 'system',
  summary: 'Get the health of the gateway',
  http: { method: 'GET', path: '/health' },
  access: 'public',
  faults: [],
  limits: 'small',
  input: noInput,
})
