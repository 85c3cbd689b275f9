import { formats } from '@pixelflow/core/format'
import {
  contentResponses,
  conditionalHeaders,
  downloadParameter,
  idempotencyKeyHeader,
  jsonResponse,
  idempotencyFaults,
  locationHeader,
  pathParameter,
  problemResponses,
  uploadFaults,
} from './responses.ts'
import { exampleIds, imageExample } from './examples.ts'
import type { Json } from './schemas.ts'

const mediaTypes = formats.map((one) => one.mediaType)
const id = pathParameter('id', 'Id of an image.', exampleIds.image)
const binary = { schema: { type: 'string', format: 'binary' } }
const tags = ['images']

export const imagePaths: Json = {
  '/api/v1/images': {
    post: {
      tags,
      operationId: 'uploadImage',
      summary: 'Upload an image',
      description:
        'The file is the request body, or the part `file` of a form. The format is detected from the bytes, not from the name or media type.',
      parameters: [idempotencyKeyHeader],
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
        '201': jsonResponse('The image is stored.', 'Image', imageExample, locationHeader),
        ...problemResponses(...uploadFaults, 'storage_failed', ...idempotencyFaults),
      },
    },
  },
  '/api/v1/images/{id}': {
    parameters: [id],
    get: {
      tags,
      operationId: 'getImage',
      summary: 'Get an image',
      responses: {
        '200': jsonResponse('The image.', 'Image', imageExample),
        ...problemResponses('image_not_found'),
      },
    },
    delete: {
      tags,
      operationId: 'deleteImage',
      summary: 'Delete an image',
      description: 'Tasks of the image keep their outputs.',
      responses: { '204': { description: 'The image was deleted.' }, ...problemResponses('image_not_found') },
    },
  },
  '/api/v1/images/{id}/content': {
    parameters: [id, downloadParameter, ...conditionalHeaders],
    get: {
      tags,
      operationId: 'getImageContent',
      summary: 'Download an image as it was uploaded',
      responses: contentResponses('The file.', 'image_not_found', mediaTypes),
    },
    head: {
      tags,
      operationId: 'headImageContent',
      summary: 'Get the headers of the download without the content',
      responses: contentResponses('Length, media type and ETag.', 'image_not_found', []),
    },
  },
}
