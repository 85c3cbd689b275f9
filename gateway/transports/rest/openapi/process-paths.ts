import { formatOf, formats, writableFormatIds } from '@pixelflow/core/format'
import {
  acceptedTask,
  downloadParameter,
  headerParameter,
  idempotencyKeyHeader,
  idempotencyFaults,
  positionHeaders,
  problemResponses,
  processingFaults,
  uploadFaults,
} from './responses.ts'
import { recipeText } from './examples.ts'
import { imageForm, laneDescription, laneSchema, type Json } from './schemas.ts'

const processing = {
  tags: ['tasks'],
  operationId: 'processImage',
  summary: 'Process an image and return the result',
  description:
    'Returns the processed image. The image is the request body with the recipe in the query, or both are parts of a form. A small image is not stored. A larger one is processed as a task, which `Content-Location` names. If the client disconnects, processing is cancelled. With `Prefer: respond-async` the response is a task, as for `POST /api/v1/tasks` with a form; only then is an `Idempotency-Key` used.',
  parameters: [
    {
      name: 'recipe',
      in: 'query',
      description: 'The recipe, in text form or JSON. Not together with a part `recipe`.',
      schema: { type: 'string' },
      example: recipeText,
    },
    {
      name: 'output',
      in: 'query',
      description: 'The output to return, for a recipe with several outputs.',
      schema: { type: 'string' },
    },
    {
      name: 'lane',
      in: 'query',
      description: `Lane of the task, only with \`Prefer: respond-async\`. ${laneDescription}`,
      schema: laneSchema,
    },
    downloadParameter,
    headerParameter('Prefer', '`respond-async` to create a task instead of waiting for the result.'),
    idempotencyKeyHeader,
  ],
  requestBody: {
    required: true,
    content: {
      ...Object.fromEntries(
        [...formats.map((one) => one.mediaType), 'application/octet-stream'].map((type) => [
          type,
          { schema: { type: 'string', format: 'binary' } },
        ]),
      ),
      'multipart/form-data': { schema: imageForm(['file']) },
    },
  },
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
      content: Object.fromEntries(
        writableFormatIds.map((one) => [
          formatOf(one).mediaType,
          { schema: { type: 'string', format: 'binary' } },
        ]),
      ),
    },
    '202': acceptedTask,
    ...problemResponses(
      'invalid_recipe',
      ...uploadFaults,
      ...processingFaults,
      'actor_lost',
      'too_many_tasks',
      'queue_full',
      'storage_failed',
      ...idempotencyFaults,
    ),
  },
}

export const processPaths: Json = { '/api/v1/process': { post: processing } }
