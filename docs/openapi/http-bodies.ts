import { resumeTokenPattern } from '@pixelflow/core/inputs'
import { formatOf, formats, writableFormatIds } from '@pixelflow/core/format'
import { tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { eventExample, imageExample, queuedExample, recipeText } from '@pixelflow/gateway/calls/examples'
import { ref, type Json } from './ref.ts'
import {
  binaryContent,
  conditionalHeaders,
  contentResponses,
  etagHeader,
  headerParameter,
  ifNoneMatchParameter,
  jsonResponse,
  locationHeader,
  notModified,
  positionHeaders,
} from './responses.ts'

/** What REST sends and receives as the body of a call that is not one JSON value. */
export interface HttpBody {
  /** Besides those of the input, which come from the declaration. */
  readonly parameters?: readonly Json[]
  readonly requestBody?: Json
  /** Successful responses by status. */
  readonly responses: Json
  readonly headResponses?: Json
}

const mediaTypes = formats.map((one) => one.mediaType)
const writableMediaTypes = writableFormatIds.map((one) => formatOf(one).mediaType)
const contentHead = contentResponses('Length, media type and ETag.', [])

/** Any media type is accepted. Generators make one class of each that is listed. */
const imageFile = binaryContent(['application/octet-stream'])

const imageBody = (form: string): Json => ({
  required: true,
  description: 'A file of any media type: the format is detected from the bytes.',
  content: { ...imageFile, 'multipart/form-data': { schema: ref(form) } },
})

const probe = (status: string) => ['ProbeResult', { status }] as const
const statusResponse = (description: string, [schema, example]: readonly [string, unknown?]) =>
  jsonResponse(description, ref(schema), example)

/** By name of the call. A unary call is here only if it also takes a form. */
export const httpBodies: Readonly<Record<string, HttpBody>> = {
  uploadImage: {
    requestBody: imageBody('UploadImageForm'),
    responses: { '201': jsonResponse('The image is stored.', ref('Image'), imageExample, locationHeader) },
  },
  getImageContent: {
    parameters: conditionalHeaders,
    responses: contentResponses('The file.', mediaTypes),
    headResponses: contentHead,
  },
  getOutput: {
    parameters: conditionalHeaders,
    responses: contentResponses('The file.', writableMediaTypes),
    headResponses: contentHead,
  },
  createTask: {
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: ref('CreateTask'),
          example: { image: imageExample.id, recipe: recipeText },
        },
        'multipart/form-data': { schema: ref('CreateTaskForm') },
      },
    },
    responses: {},
  },
  processImage: {
    parameters: [
      headerParameter('Prefer', '`respond-async` to create a task instead of waiting for the result.', {
        example: 'respond-async',
      }),
    ],
    requestBody: imageBody('ProcessImageForm'),
    responses: {
      '200': {
        description: 'The processed image.',
        headers: {
          ETag: { description: 'SHA-256 of the bytes, quoted.', schema: { type: 'string' } },
          'Content-Length': { schema: { type: 'integer' } },
          'Content-Disposition': { schema: { type: 'string' } },
          'Content-Location': {
            description: 'Path of the output of the task, if a task processed the image.',
            schema: { type: 'string' },
          },
          ...positionHeaders,
          'Server-Timing': {
            description: 'Milliseconds spent on receiving and processing.',
            schema: { type: 'string' },
          },
        },
        content: binaryContent(writableMediaTypes),
      },
      '202': jsonResponse('The task is accepted.', ref('Task'), queuedExample, {
        ...locationHeader,
        ...positionHeaders,
      }),
    },
  },
  watchTask: {
    parameters: [
      headerParameter('Last-Event-ID', 'Resume token: the id of the last event that the client received.', {
        pattern: resumeTokenPattern.source,
        example: '2x',
      }),
    ],
    responses: {
      '200': {
        description: 'The events.',
        content: {
          'text/event-stream': {
            schema: ref('ServerSentEvent'),
            example: `retry: 1000\nevent: heartbeat\ndata: {}\n\nevent: completed\nid: 2x\ndata: ${JSON.stringify(eventExample)}\n\n`,
          },
        },
      },
      '204': { description: 'No events follow: the resume token is that of the final event.' },
    },
  },
  tune: {
    parameters: [
      headerParameter(
        'Sec-WebSocket-Protocol',
        `\`${tuneProtocol}\`, and for a page with a token also \`bearer.…\`.`,
      ),
    ],
    responses: { '101': { description: 'The WebSocket is open.' } },
  },
  getOpenApi: {
    parameters: [ifNoneMatchParameter],
    responses: {
      '200': jsonResponse(
        'OpenAPI 3.1.',
        { type: 'object', additionalProperties: true },
        undefined,
        etagHeader,
      ),
      ...notModified,
    },
  },
  getMetrics: {
    responses: {
      '200': {
        description: 'Prometheus text format 0.0.4.',
        content: { 'text/plain': { schema: { type: 'string' } } },
      },
    },
  },
  getLiveness: { responses: { '200': statusResponse('The process is running.', probe('ok')) } },
  getReadiness: {
    responses: {
      '200': statusResponse('The gateway is ready.', probe('ok')),
      '503': statusResponse('The gateway is not ready.', probe('unavailable')),
    },
  },
  getHealth: {
    responses: {
      '200': statusResponse('All checks passed.', ['Health']),
      '503': statusResponse('At least one check failed.', ['Health']),
    },
  },
}
