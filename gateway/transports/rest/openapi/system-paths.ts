import { formatIds } from '@pixelflow/core/format'
import { jsonResponse, originProblems, queryProblem, problemResponses } from './responses.ts'
import { actorExample } from './examples.ts'
import type { Json } from './schemas.ts'

const tags = ['system']
const open = { security: [] }

export const systemPaths: Json = {
  '/api/v1/operations': {
    get: {
      tags,
      operationId: 'listOperations',
      summary: 'List the operations of recipes',
      responses: { '200': jsonResponse('The operations.', 'OperationCatalogue'), ...problemResponses() },
    },
  },
  '/api/v1/actors': {
    get: {
      tags,
      operationId: 'listActors',
      summary: 'List the running actors',
      description:
        'Actors that sent a heartbeat within the last seconds, with their capabilities and load. `held` counts the tasks of all accounts; `tasks` lists those of the caller.',
      responses: {
        '200': jsonResponse('The actors, by name.', 'Actors', { items: [actorExample] }),
        ...problemResponses(),
      },
    },
  },
  '/api/v1/settings': {
    get: {
      tags,
      ...open,
      operationId: 'getSettings',
      summary: 'Get the limits and the authentication method',
      responses: {
        '200': jsonResponse('Limits and authentication method.', 'Settings', {
          version: '0.1.0',
          maxUploadBytes: 536_870_912,
          maxPixels: 100_000_000,
          formats: [...formatIds],
          auth: 'none',
        }),
        ...problemResponses(),
      },
    },
  },
  '/api/v1/openapi.json': {
    get: {
      tags,
      ...open,
      operationId: 'getOpenApi',
      summary: 'Get this document',
      responses: {
        '200': {
          description: 'OpenAPI 3.1.',
          content: { 'application/json': { schema: { type: 'object' } } },
        },
        ...problemResponses(),
      },
    },
  },
  '/metrics': {
    get: {
      tags,
      operationId: 'getMetrics',
      summary: 'Get the metrics in the Prometheus text format',
      description:
        'Not found with `PIXELFLOW_METRICS_ACCESS=off`; public with `PIXELFLOW_METRICS_ACCESS=open`.',
      responses: {
        '200': {
          description: 'Prometheus text format 0.0.4.',
          content: { 'text/plain': { schema: { type: 'string' } } },
        },
        ...problemResponses(),
      },
    },
  },
  '/health/live': {
    get: {
      tags,
      ...open,
      operationId: 'getLiveness',
      summary: 'Liveness probe',
      responses: {
        '200': jsonResponse('The process is running.', 'ProbeResult', { status: 'ok' }),
        ...queryProblem,
      },
    },
  },
  '/health/ready': {
    get: {
      tags,
      ...open,
      operationId: 'getReadiness',
      summary: 'Readiness probe',
      responses: {
        '200': jsonResponse('The gateway is ready.', 'ProbeResult', { status: 'ok' }),
        '503': jsonResponse('The gateway is not ready.', 'ProbeResult', { status: 'unavailable' }),
        ...queryProblem,
      },
    },
  },
  '/health': {
    get: {
      tags,
      ...open,
      operationId: 'getHealth',
      summary: 'Get the health of the gateway',
      responses: {
        '200': jsonResponse('All checks passed.', 'Health'),
        '503': jsonResponse('At least one check failed.', 'Health'),
        ...originProblems,
      },
    },
  },
}
