import { noInput } from '@pixelflow/core/inputs'
import { declareStream } from '../calls/declare-call.ts'

const facts = { tag: 'system', limits: 'small', input: noInput } as const

export const getHealth = declareStream({
  ...facts,
  name: 'getHealth',
  summary: 'Get the health of the gateway',
  http: { method: 'GET', path: '/health' },
  access: 'public',
})

export const getLiveness = declareStream({
  ...facts,
  name: 'getLiveness',
  summary: 'Liveness probe',
  http: { method: 'GET', path: '/health/live' },
  access: 'probe',
})

export const getReadiness = declareStream({
  ...facts,
  name: 'getReadiness',
  summary: 'Readiness probe',
  http: { method: 'GET', path: '/health/ready' },
  access: 'probe',
})
