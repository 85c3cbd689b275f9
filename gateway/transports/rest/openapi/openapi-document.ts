import manifest from '../../../package.json'
import { adminPaths } from './admin-paths.ts'
import { imagePaths } from './image-paths.ts'
import { componentSchemas, type Json } from './schemas.ts'
import { processPaths } from './process-paths.ts'
import { systemPaths } from './system-paths.ts'
import { taskPaths } from './task-paths.ts'
import { tunePaths } from './tune-paths.ts'

/** Every path of the interface with its calls. */
export const paths: Json = {
  ...imagePaths,
  ...processPaths,
  ...taskPaths,
  ...tunePaths,
  ...adminPaths,
  ...systemPaths,
}

/** The REST interface as OpenAPI 3.1, from the schemas that the code itself checks with. The same for every gateway. */
export function openapiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'PixelFlow',
      version: manifest.version,
      summary: 'Upload an image, name a recipe, watch it live, fetch the result.',
      description:
        'Every refusal is a problem+json body with a `code`, a `detail` and the `requestId` that is also in the `X-Request-ID` header of every answer. The codes are listed at [/docs/problems](/docs/problems).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }, { clientCertificate: [] }],
    tags: [
      { name: 'images', description: 'Pictures that were uploaded.' },
      { name: 'tasks', description: 'Work on them, its progress and its results.' },
      { name: 'admin', description: 'What operators do, for all accounts.' },
      { name: 'system', description: 'About the service itself.' },
    ],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token of `PIXELFLOW_API_TOKENS`, where the server wants one.',
        },
        clientCertificate: {
          type: 'mutualTLS',
          description:
            'A certificate that names an account, `spiffe://pixelflow/account/<id>`, where the server knows its authority.',
        },
      },
    },
  }
}
