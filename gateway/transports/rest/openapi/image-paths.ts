import { formats } from '@pixelflow/core/format'
import {
  bytes,
  conditions,
  download,
  idempotencyKey,
  json,
  keyRefusals,
  location,
  pathId,
  refusals,
} from './responses.ts'
import { exampleIds, imageExample } from './examples.ts'
import type { Json } from './schemas.ts'

const mediaTypes = formats.map((one) => one.mediaType)
const id = pathId('id', 'Id of an image.', exampleIds.image)
const binary = { schema: { type: 'string', format: 'binary' } }
const tags = ['images']

export const imagePaths: Json = {
  '/api/v1/images': {
    post: {
      tags,
      operationId: 'uploadImage',
      summary: 'Upload an image',
      description:
        'Takes the file as the body itself, or as the part `file` of a form. What counts are the bytes, not the name they come by.',
      parameters: [idempotencyKey],
      requestBody: {
        required: true,
        content: {
          ...Object.fromEntries([...mediaTypes, 'application/octet-stream'].map((type) => [type, binary])),
          'multipart/form-data': {
            schema: {
              type: 'object',
              properties: { file: { type: 'string', format: 'binary' } },
              required: ['file'],
            },
          },
        },
      },
      responses: {
        '201': json('The image is stored.', 'Image', imageExample, location),
        ...refusals(
          'truncated_upload',
          'image_too_large',
          'unsupported_format',
          'too_many_pixels',
          'storage_failed',
          ...keyRefusals,
        ),
      },
    },
  },
  '/api/v1/images/{id}': {
    parameters: [id],
    get: {
      tags,
      operationId: 'inspectImage',
      summary: 'What is known of an image',
      responses: { '200': json('The image.', 'Image', imageExample), ...refusals('image_not_found') },
    },
    delete: {
      tags,
      operationId: 'deleteImage',
      summary: 'Delete an image',
      description: 'Tasks that were made from it keep their outputs.',
      responses: { '204': { description: 'It is gone.' }, ...refusals('image_not_found') },
    },
  },
  '/api/v1/images/{id}/content': {
    parameters: [id, download, ...conditions],
    get: {
      tags,
      operationId: 'readImage',
      summary: 'The bytes of an image as they were uploaded',
      responses: bytes('The file.', 'image_not_found', mediaTypes),
    },
    head: {
      tags,
      operationId: 'measureImage',
      summary: 'The same without the bytes',
      responses: bytes('Length, type and tag.', 'image_not_found', []),
    },
  },
}
