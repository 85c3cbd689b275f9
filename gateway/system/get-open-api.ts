import { noInput } from '@pixelflow/core/inputs'
import { declareStream } from '../calls/declare-call.ts'

export const getOpenApi = declareStream({
  name: 'getOpenApi',
  tag: 'system',
  summary: 'Get this document',
  http: { method: 'GET', path: '/api/v1/openapi.json' },
  access: 'public',
  limits: 'small',
  input: noInput,
})
