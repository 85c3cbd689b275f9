import { formatIds } from '@pixelflow/core/format'
import { json, originRefusal, queryRefusal, refusals } from './responses.ts'
import { actorExample } from './examples.ts'
import type { Json } from './schemas.ts'

const tags = ['system']
const open = { security: [] }

export const systemPaths: Json = {
  '/api/v1/operations': {
    get: {
      tags,
      operationId: 'listOperations',
      summary: 'Everything a recipe may do',
      responses: { '200': json('The catalogue.', 'Operations'), ...refusals() },
    },
  },
  '/api/v1/actors': {
    get: {
      tags,
      operationId: 'listActors',
      summary: 'The processes that do the work',
      description:
        'Those that were heard of within the last seconds, with what they can do and what they hold. `held` counts all their tasks; own ones are named in `tasks`.',
      responses: { '200': json('The actors, by name.', 'Actors', { items: [actorExample] }), ...refusals() },
    },
  },
  '/api/v1/settings': {
    get: {
      tags,
      ...open,
      operationId: 'getSettings',
      summary: 'What a client should know before its first call',
      responses: {
        '200': json('Limits and the way to authenticate.', 'Settings', {
          version: '0.1.0',
          maxUploadBytes: 536_870_912,
          maxPixels: 100_000_000,
          formats: [...formatIds],
          auth: 'none',
        }),
        ...refusals(),
      },
    },
  },
  '/api/v1/openapi.json': {
    get: {
      tags,
      ...open,
      operationId: 'getDocument',
      summary: 'This document',
      responses: {
        '200': {
          description: 'OpenAPI 3.1.',
          content: { 'application/json': { schema: { type: 'object' } } },
        },
        ...refusals(),
      },
    },
  },
  '/metrics': {
    get: {
      tags,
      operationId: 'getMetrics',
      summary: 'Everything that is measured, as Prometheus reads it',
      description: 'Not there when `PIXELFLOW_METRICS=off`; needs no token when it is `open`.',
      responses: {
        '200': {
          description: 'The text format 0.0.4.',
          content: { 'text/plain': { schema: { type: 'string' } } },
        },
        ...refusals(),
      },
    },
  },
  '/health/live': {
    get: {
      tags,
      ...open,
      operationId: 'isLive',
      summary: 'Whether the process answers',
      responses: { '200': json('It does.', 'Status', { status: 'ok' }), ...queryRefusal },
    },
  },
  '/health/ready': {
    get: {
      tags,
      ...open,
      operationId: 'isReady',
      summary: 'Whether it can serve',
      responses: {
        '200': json('It can.', 'Status', { status: 'ok' }),
        '503': json('Not just now.', 'Status', { status: 'unavailable' }),
        ...queryRefusal,
      },
    },
  },
  '/health': {
    get: {
      tags,
      ...open,
      operationId: 'getHealth',
      summary: 'How everything is',
      responses: {
        '200': json('All is well.', 'Health'),
        '503': json('Something is not.', 'Health'),
        ...originRefusal,
      },
    },
  },
}
