import { eventKinds } from '@pixelflow/core/event'
import { ref, type Json } from './ref.ts'

/**
 * One event of a stream, as an object with the fields of a server-sent event. OpenAPI 3.1 does not define the schema of
 * `text/event-stream`; tools apply it to each event. Use `itemSchema` once the tools support OpenAPI 3.2:
 * openapi-python-client 0.29 refuses such a document, and openapi-typescript 7.13 ignores the keyword.
 */
export const serverSentEventSchemas = {
  ServerSentEvent: {
    description: 'One event of the stream.',
    oneOf: [ref('TaskServerSentEvent'), ref('Heartbeat')],
  },
  TaskServerSentEvent: {
    type: 'object',
    description: 'A change of the task.',
    properties: {
      event: { type: 'string', enum: [...eventKinds], description: 'The kind of the event.' },
      id: { type: 'string', description: 'Resume token, for `Last-Event-ID`.' },
      data: {
        type: 'string',
        description: 'An Event as JSON in one line.',
        contentMediaType: 'application/json',
        contentSchema: ref('Event'),
      },
    },
    required: ['event', 'id', 'data'],
  },
  Heartbeat: {
    type: 'object',
    description: 'Keeps an idle connection open.',
    properties: {
      event: { type: 'string', const: 'heartbeat' },
      retry: { type: 'integer', description: 'Reconnection time in milliseconds; in the first event only.' },
      data: { type: 'string', const: '{}' },
    },
    required: ['event', 'data'],
  },
} satisfies Record<string, Json>
