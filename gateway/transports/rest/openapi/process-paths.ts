import { format, formats, writableFormatIds } from '@pixelflow/core/format'
import { defaultLane, lanes } from '@pixelflow/core/job'
import {
  download,
  header,
  idempotencyKey,
  json,
  keyRefusals,
  location,
  positionHeaders,
  refusals,
} from './responses.ts'
import { queuedExample, recipeText } from './examples.ts'
import { laneText, type Json } from './schemas.ts'

const laneSchema = { type: 'string', enum: [...lanes], default: defaultLane }

const processing = {
  tags: ['tasks'],
  operationId: 'processImage',
  summary: 'Image in, image out',
  description:
    'Answers with the finished picture itself. The image comes as the body, with the recipe in the query, or both come in a form. A small image is not stored anywhere; one that is too large for that is processed as a task, which then stands in `Content-Location`. Whoever leaves ends the work. With `Prefer: respond-async` the answer is a task, as that of `POST /api/v1/tasks` with a form; only then an `Idempotency-Key` counts.',
  parameters: [
    {
      name: 'recipe',
      in: 'query',
      description: 'What to do, in text form or JSON; not together with a part `recipe`.',
      schema: { type: 'string' },
      example: recipeText,
    },
    {
      name: 'output',
      in: 'query',
      description: 'Which output is wanted, of a recipe that makes several.',
      schema: { type: 'string' },
    },
    {
      name: 'lane',
      in: 'query',
      description: `Of the task, so only with \`Prefer: respond-async\`. ${laneText}`,
      schema: laneSchema,
    },
    download,
    header('Prefer', '`respond-async` for a task instead of the picture.'),
    idempotencyKey,
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
      'multipart/form-data': {
        schema: {
          type: 'object',
          properties: {
            file: { type: 'string', format: 'binary' },
            recipe: { type: 'string', description: 'Text form or JSON.', examples: [recipeText] },
          },
          required: ['file'],
        },
      },
    },
  },
  responses: {
    '200': {
      description: 'The finished picture.',
      headers: {
        ETag: { description: 'SHA-256 of the bytes, quoted.', schema: { type: 'string' } },
        'Content-Length': { schema: { type: 'integer' } },
        'Content-Disposition': { schema: { type: 'string' } },
        'Content-Location': {
          description: 'Path of the same bytes, where a task has made them.',
          schema: { type: 'string' },
        },
        ...positionHeaders,
        'Server-Timing': {
          description: 'Milliseconds that receiving and processing took.',
          schema: { type: 'string' },
        },
      },
      content: Object.fromEntries(
        writableFormatIds.map((one) => [
          format(one).mediaType,
          { schema: { type: 'string', format: 'binary' } },
        ]),
      ),
    },
    '202': json('The task is accepted.', 'Task', queuedExample, { ...location, ...positionHeaders }),
    ...refusals(
      'invalid_recipe',
      'truncated_upload',
      'image_too_large',
      'unsupported_format',
      'too_many_pixels',
      'corrupt_image',
      'processing_failed',
      'resource_limit_exceeded',
      'actor_lost',
      'too_many_tasks',
      'queue_full',
      'storage_failed',
      'deadline_exceeded',
      ...keyRefusals,
    ),
  },
}

export const processPaths: Json = { '/api/v1/process': { post: processing } }
